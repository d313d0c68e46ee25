package applyfile

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
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
	name = strings.TrimSpace(name)
	for _, column := range columns {
		if strings.EqualFold(column, name) {
			return column
		}
	}
	return name
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

// Parse reads a file of changes: CSV with a header line, or JSON objects, in an array or
// one after the other. The error joins a [*LineError] for each invalid line.
func Parse(data []byte) ([]Row, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	start := bytes.TrimSpace(data)
	switch {
	case len(start) == 0:
		return nil, errors.New("the file is empty: write a header line and a line for each change")
	case start[0] == '[' || start[0] == '{':
		return parseJSON(data)
	}
	return parseCSV(data)
}

func parseCSV(data []byte) ([]Row, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	header, err := r.Read()
	if err != nil {
		return nil, err
	}
	if err := checkHeader(header); err != nil {
		return nil, err
	}
	var rows []Row
	var faults []error
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, errors.Join(faults...)
		}
		if broken, ok := errors.AsType[*csv.ParseError](err); ok { // later lines cannot be told apart
			return rows, errors.Join(append(faults, &LineError{broken.Line, broken.Err})...)
		}
		if err != nil {
			return rows, errors.Join(append(faults, err)...)
		}
		row := Row{}
		row.Line, _ = r.FieldPos(0)
		if len(record) != len(header) {
			faults = append(faults, lineError(row.Line, "it has %s, the header has %d",
				describe.Plural(len(record), "column"), len(header)))
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
		case !slices.Contains(columns, header[i]):
			faults = append(faults, lineError(1, "unknown column %q: the columns are %s",
				name, strings.Join(columns, ",")))
		case slices.Contains(header[:i], header[i]):
			faults = append(faults, lineError(1, "duplicate column %q: remove one", name))
		}
	}
	for _, needed := range []string{"action", "principal", "role", "scope"} {
		if !slices.Contains(header, needed) {
			faults = append(faults, lineError(1, "column %q is missing: add it", needed))
		}
	}
	return errors.Join(faults...)
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
		rows = append(rows, row)
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
