package export

import (
	"encoding/csv"
	"fmt"
	"io"
)

// CSV writes one flat table of assignments for programs and spreadsheets. It puts an apostrophe in
// front of what a spreadsheet would run as a formula. Call its methods in the store's order: names
// before assignments.
type CSV struct {
	flat

	w      *csv.Writer
	header bool
}

// NewCSV returns a writer to w. The table is complete only after [CSV.Close].
func NewCSV(w io.Writer) *CSV {
	c := &CSV{w: csv.NewWriter(w)}
	c.flat = newFlat(c.row)
	return c
}

// Close writes the buffered rows. It does not close the underlying writer.
func (c *CSV) Close() error {
	if err := c.start(); err != nil {
		return err
	}
	c.w.Flush()
	if err := c.w.Error(); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

func (c *CSV) row(cells []string) error {
	if err := c.start(); err != nil {
		return err
	}
	return c.line(cells)
}

func (c *CSV) start() error {
	if c.header {
		return nil
	}
	c.header = true
	return c.line(Columns())
}

func (c *CSV) line(cells []string) error {
	for i, cell := range cells {
		cells[i] = inert(cell)
	}
	if err := c.w.Write(cells); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}
