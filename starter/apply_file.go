package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/describe"
)

// fileRow is one line of a file of changes, as it is written.
type fileRow struct {
	Action    string `json:"action"`
	Kind      string `json:"kind"`
	Principal string `json:"principal"`
	Role      string `json:"role"`
	Level     string `json:"level"`
	Scope     string `json:"scope"`
	Duration  string `json:"duration"`
	Reason    string `json:"reason"`
	ID        string `json:"id"`
	// BreakGlass is a yes or no, or nothing for a no.
	BreakGlass yesNo `json:"breakGlass"`

	line int // from 1
}

// fileColumns are the columns of a file, in the order of the help.
var fileColumns = []string{
	"action", "kind", "principal", "role", "level", "scope", "duration", "reason", "id", "breakGlass",
}

// columnNamed is the column of a name, however that is capitalised; else the name.
func columnNamed(name string) string {
	name = strings.TrimSpace(name)
	for _, column := range fileColumns {
		if strings.EqualFold(column, name) {
			return column
		}
	}
	return name
}

// field is where the value of a column goes.
func (r *fileRow) field(column string) *string {
	return []*string{
		&r.Action, &r.Kind, &r.Principal, &r.Role, &r.Level, &r.Scope, &r.Duration, &r.Reason, &r.ID,
		(*string)(&r.BreakGlass),
	}[slices.Index(fileColumns, column)]
}

// parseFile reads a file of changes: CSV with a header line, or JSON objects, in an
// array or one after the other. The error joins every fault, each with its line.
func parseFile(data []byte) ([]fileRow, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	start := bytes.TrimSpace(data)
	switch {
	case len(start) == 0:
		return nil, errors.New("it is empty: it needs a header line and a line for each change")
	case start[0] == '[' || start[0] == '{':
		return parseJSON(data)
	}
	return parseCSV(data)
}

func parseCSV(data []byte) ([]fileRow, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	header, err := r.Read()
	if err != nil {
		return nil, err
	}
	if err := checkHeader(header); err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	var rows []fileRow
	var faults []error
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, errors.Join(faults...)
		}
		if err != nil { // it says the line; what follows cannot be told apart
			return rows, errors.Join(append(faults, err)...)
		}
		row := fileRow{}
		row.line, _ = r.FieldPos(0)
		if len(record) != len(header) {
			faults = append(faults, fmt.Errorf("line %d: it has %s, the header has %d",
				row.line, describe.Plural(len(record), "column"), len(header)))
			continue
		}
		for i, value := range record {
			*row.field(header[i]) = strings.TrimSpace(value)
		}
		rows = append(rows, row)
	}
}

// checkHeader folds the names in place.
func checkHeader(header []string) error {
	var faults []error
	for i, name := range header {
		header[i] = columnNamed(name)
		switch {
		case !slices.Contains(fileColumns, header[i]):
			faults = append(faults, fmt.Errorf("%q is no column: the header has some of %s",
				name, strings.Join(fileColumns, ",")))
		case slices.Contains(header[:i], header[i]):
			faults = append(faults, fmt.Errorf("column %q is there twice", name))
		}
	}
	for _, needed := range []string{"action", "principal", "role", "scope"} {
		if !slices.Contains(header, needed) {
			faults = append(faults, fmt.Errorf("column %q is missing", needed))
		}
	}
	return errors.Join(faults...)
}

func parseJSON(data []byte) ([]fileRow, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	array := bytes.HasPrefix(bytes.TrimSpace(data), []byte("["))
	if array {
		_, _ = dec.Token() // the bracket that was seen
	}
	var rows []fileRow
	var faults []error
	for dec.More() {
		row := fileRow{}
		line := lineAt(data, dec.InputOffset())
		err := dec.Decode(&row)
		row.line = line
		if _, broken := errors.AsType[*json.SyntaxError](err); broken || errors.Is(err, io.ErrUnexpectedEOF) {
			return rows, errors.Join(append(faults, fmt.Errorf("line %d: this is not JSON: %w", line, err))...)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("line %d: %w", line, err))
			continue
		}
		rows = append(rows, row)
	}
	if _, err := dec.Token(); array && err != nil {
		faults = append(faults, fmt.Errorf("line %d: the array does not end", lineAt(data, dec.InputOffset())))
	}
	return rows, errors.Join(faults...)
}

// lineAt is the line of the first value behind an offset.
func lineAt(data []byte, offset int64) int {
	at := int(offset)
	for at < len(data) && strings.ContainsRune(" \t\r\n,", rune(data[at])) {
		at++
	}
	return 1 + bytes.Count(data[:at], []byte("\n"))
}
