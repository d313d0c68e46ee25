package applyfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/describe"
)

func parseCSV(data []byte) ([]Row, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.FieldsPerRecord = delimiter(data), -1
	r.TrimLeadingSpace = r.Comma != '\t' // a tab is such a space
	header, err := readHeader(r)
	if err != nil {
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
		line, _ := r.FieldPos(0)
		row, err := readRow(header, record, line)
		switch {
		case err != nil:
			faults = append(faults, err)
		case !row.isBlank():
			rows = append(rows, row)
		}
	}
}

// delimiter is what separates the cells, by the header: spreadsheets write semicolons where commas
// separate decimals, and tabs as "text".
func delimiter(data []byte) rune {
	line, _, _ := strings.Cut(strings.TrimLeft(string(data[:min(len(data), 4096)]), "\r\n"), "\n")
	for _, d := range ";\t" {
		first, _, found := strings.Cut(line, string(d))
		if found && slices.Contains(columns, columnNamed(strings.Trim(first, `"`))) {
			return d
		}
	}
	return ','
}

// readHeader reads the names of the columns, behind rows without text. The name of a column without one,
// as spreadsheets leave at the end, is "".
func readHeader(r *csv.Reader) ([]string, error) {
	for {
		header, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty: write a header line and a line for each change")
		}
		if err != nil {
			return nil, err
		}
		if isBlank(header) {
			continue
		}
		line, _ := r.FieldPos(0)
		return header, checkHeader(header, line)
	}
}

// isBlank says that no cell has text.
func isBlank(record []string) bool {
	return !slices.ContainsFunc(record, func(cell string) bool { return trim(cell) != "" })
}

// readRow reads a line. One without text is blank, whatever the number of its cells.
func readRow(header, record []string, line int) (Row, error) {
	row := Row{Line: line}
	if isBlank(record) {
		return row, nil
	}
	cells := record
	for len(cells) > len(header) && trim(cells[len(cells)-1]) == "" { // spreadsheets leave them at the end
		cells = cells[:len(cells)-1]
	}
	if len(cells) != len(header) {
		return row, lineError(line, "it has %s, the header has %d",
			describe.Plural(len(record), "column"), len(header))
	}
	for i, value := range cells {
		switch {
		case header[i] != "":
			*row.field(header[i]) = value
		case trim(value) != "":
			return row, lineError(line, "column %d has %q and no name: name it in the header, or empty it", i+1, value)
		}
	}
	row.fold()
	return row, nil
}

// checkHeader folds the names in place.
func checkHeader(header []string, line int) error {
	var faults []error
	for i, name := range header {
		header[i] = columnNamed(name)
		switch {
		case header[i] == "":
		case !slices.Contains(columns, header[i]):
			faults = append(faults, lineError(line, "unknown column %q: the columns are %s",
				name, strings.Join(columns, ",")))
		case slices.Contains(header[:i], header[i]):
			faults = append(faults, lineError(line, "duplicate column %q: remove one", name))
		}
	}
	for _, needed := range []string{"action", "principal", "role", "scope"} {
		if !slices.Contains(header, needed) {
			faults = append(faults, lineError(line, "column %q is missing: add it", needed))
		}
	}
	return errors.Join(faults...)
}
