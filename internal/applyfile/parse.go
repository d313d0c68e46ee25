package applyfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// Row is one line of a file of changes, as written.
type Row struct {
	Action    string `json:"action"`
	Kind      string `json:"kind"`
	Principal string `json:"principal"`
	Role      string `json:"role"`
	Level     string `json:"level"`
	Scope     string `json:"scope"`
	Duration  string `json:"duration"`
	Reason    string `json:"reason"`
	ID        string `json:"id"`
	// BreakGlass is yes or no; empty means no.
	BreakGlass YesNo `json:"breakGlass"`

	Line int `json:"-"` // from 1
}

// columns are the columns of a file, in the order of the documentation.
var columns = []string{
	"action", "kind", "principal", "role", "level", "scope", "duration", "reason", "id", "breakGlass",
}

// Columns lists the names of the columns, in the order of the documentation.
func Columns() []string { return slices.Clone(columns) }

// LineError is what is wrong with one line of a file.
type LineError struct {
	Line int // from 1
	Err  error
}

// Error implements error.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap implements errors.Unwrap.
func (e *LineError) Unwrap() error { return e.Err }

func lineError(line int, format string, args ...any) error {
	return &LineError{line, fmt.Errorf(format, args...)}
}

// columnNamed is the column of that name, in any case; the name itself if there is none.
func columnNamed(name string) string {
	for _, column := range columns {
		if word(column) == word(name) {
			return column
		}
	}
	return trim(name)
}

// limits says which values are too long.
func (r *Row) limits() (faults []error) {
	for _, column := range columns {
		limit := access.MaxIDBytes
		switch column {
		case "id": // the action may stand before it
			limit += len(ActionRevoke + "/")
		case "principal", "role":
			limit = access.MaxNameBytes
		case "scope": // of a site: that of its account may stand before it
			limit = 2 * access.MaxNameBytes * (1 + min(strings.Count(r.Scope, scopeSeparator), access.MaxScopes))
		case "reason":
			limit = access.MaxReasonBytes
		}
		if err := access.Length(column, *r.field(column), limit); err != nil {
			faults = append(faults, err)
		}
	}
	return faults
}

// field is where the value of a column goes.
func (r *Row) field(column string) *string {
	return []*string{
		&r.Action, &r.Kind, &r.Principal, &r.Role, &r.Level, &r.Scope, &r.Duration, &r.Reason, &r.ID,
		(*string)(&r.BreakGlass),
	}[slices.Index(columns, column)]
}

// Parse reads a file of changes in UTF-8: CSV with a header line, or JSON objects, in an array or
// one after the other. Rows without any text are passed over. The error joins a [*LineError] for each
// invalid line; of a file in another encoding it is the first line that shows it.
func Parse(data []byte) ([]Row, error) {
	data, err := textOf(data)
	if err != nil {
		return nil, err
	}
	start := bytes.TrimSpace(data)
	switch {
	case len(start) == 0:
		return nil, errors.New("the file is empty: write a header line and a line for each change")
	case start[0] == '[' || start[0] == '{':
		return parseJSON(data)
	}
	return parseCSV(data)
}

func parseJSON(data []byte) ([]Row, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	array := bytes.HasPrefix(bytes.TrimSpace(data), []byte("["))
	if array {
		_, _ = dec.Token() // the bracket that was seen
	}
	var rows []Row
	var faults []error
	for dec.More() {
		row := Row{}
		line := lineAt(data, dec.InputOffset())
		err := dec.Decode(&row)
		row.Line = line
		if _, broken := errors.AsType[*json.SyntaxError](err); broken || errors.Is(err, io.ErrUnexpectedEOF) {
			return rows, errors.Join(append(faults, lineError(line, "invalid JSON: %w", err))...)
		}
		if err != nil {
			faults = append(faults, &LineError{line, err})
			continue
		}
		if row.fold(); !row.isBlank() {
			rows = append(rows, row)
		}
	}
	if _, err := dec.Token(); array && err != nil {
		faults = append(faults, lineError(lineAt(data, dec.InputOffset()),
			"the array does not end: is the file truncated?"))
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
