package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"sentinelone-provisioner/internal/describe"
)

// emitJSONRows prints a value for programs whose last field is an array, with rows in the place of
// that array, which must be empty. The bytes are those of [app.emitJSON] with the rows in it, but one
// row is in memory at a time. Nothing is printed if the rows begin with an error; after a later one
// the object is not complete.
func emitJSONRows[T any](p *app, v any, rows iter.Seq2[T, error]) error {
	around, err := jsonText(v, "", "  ")
	if err != nil {
		return err
	}
	at := bytes.LastIndex(around, []byte("[]"))
	if at < 0 {
		return fmt.Errorf("write output: %T has no empty array for its rows", v)
	}
	out := bufio.NewWriter(p.out)
	between := string(describe.JSON(around[:at])) + "["
	for row, err := range rows {
		if err != nil {
			_ = out.Flush() // the error that ended it says more
			return err
		}
		line, err := jsonText(row, "    ", "  ")
		if err != nil {
			return err
		}
		line = describe.JSON(bytes.TrimSuffix(line, []byte("\n")))
		if err := write(out, between, "\n    ", string(line)); err != nil {
			return err
		}
		between = ","
	}
	if between == "," {
		between = "\n  "
	}
	if err := write(out, between, string(around[at+1:])); err != nil {
		return err
	}
	return flush(out)
}

// write stops the answer when nobody reads it any more.
func write(out *bufio.Writer, texts ...string) error {
	for _, text := range texts {
		if _, err := out.WriteString(text); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	return nil
}

func flush(out *bufio.Writer) error {
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

func jsonText(v any, prefix, indent string) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent(prefix, indent)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write output: %w", err)
	}
	return out.Bytes(), nil
}

// heldRows is how many rows of a table are kept in memory. A larger table is read three times: for
// the names that repeat, for the widths of its columns, and to print it.
const heldRows = 5000

// rowTable is a table of rows, which may be too many to hold.
type rowTable[T any] struct {
	header []string
	// note sees each row once before the first call of cells.
	note func(T)
	// cells are the texts of one row.
	cells func(T) []string
	// begin is called with the number of rows before anything is printed.
	begin func(rows int)
}

// emitRows prints the rows under a header, as [app.emitTable] does, and nothing if there are none.
func emitRows[T any](p *app, t rowTable[T], rows iter.Seq2[T, error]) error {
	var held []T
	n := 0
	for row, err := range rows {
		if err != nil {
			return err
		}
		t.note(row)
		if n++; n <= heldRows {
			held = append(held, row)
		} else {
			held = nil
		}
	}
	t.begin(n)
	if n == 0 {
		return nil
	}
	if n > heldRows {
		return emitWide(p, t, rows)
	}
	lines := make([][]string, len(held))
	for i, row := range held {
		lines[i] = t.cells(row)
	}
	p.emitTable(t.header, lines)
	return nil
}

// emitWide prints a table that does not fit into memory, in the format of [writeTable].
func emitWide[T any](p *app, t rowTable[T], rows iter.Seq2[T, error]) error {
	header := safe(t.header)
	widths := make([]int, len(header))
	for i, title := range header {
		header[i] = text.FormatUpper.Apply(title)
		widths[i] = text.StringWidthWithoutEscSequences(header[i])
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		for i, cell := range safe(t.cells(row)) {
			widths[i] = max(widths[i], text.StringWidthWithoutEscSequences(cell))
		}
	}
	out := bufio.NewWriter(p.out)
	if err := write(out, tableLine(header, widths)); err != nil {
		return err
	}
	for row, err := range rows {
		if err != nil {
			_ = out.Flush() // the error that ended it says more
			return err
		}
		if err := write(out, tableLine(safe(t.cells(row)), widths)); err != nil {
			return err
		}
	}
	return flush(out)
}

// tableLine pads cells to the widths of their columns, two spaces apart.
func tableLine(cells []string, widths []int) string {
	var line strings.Builder
	for i, cell := range cells {
		line.WriteString(text.Pad(cell, widths[i], ' '))
		line.WriteString("  ")
	}
	return strings.TrimRight(line.String(), " ") + "\n"
}
