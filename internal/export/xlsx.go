package export

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// sheetRows is how many rows a worksheet can have, its header included; a format's limit.
const sheetRows = 1 << 20

// XLSX writes the table of [CSV] as an Excel workbook: every cell is text, so that ids keep their digits
// and names are shown as they are; the header is frozen and has a filter. Rows go to a temporary file
// until [XLSX.Close], so memory does not grow with them. A table of more rows than a worksheet can have
// continues on another. Call its methods in the store's order: names before assignments.
type XLSX struct {
	flat

	out    io.Writer
	limit  int // rows of a sheet
	folder string
	file   *excelize.File
	text   int // style of cells
	header int // style of the first row
	sheet  *excelize.StreamWriter
	sheets int
	rows   int // of the sheet, its header included
}

// NewXLSX returns a writer to w. The workbook is written by [XLSX.Close]; call [XLSX.Discard] in any
// case. It fails if no temporary file can be made.
func NewXLSX(w io.Writer) (*XLSX, error) {
	folder, err := os.MkdirTemp("", "sentinelone-export-") // excelize would hold all rows in memory without one
	if err != nil {
		return nil, fmt.Errorf("the rows of a workbook need a temporary file: %w; set TMPDIR to a folder "+
			"that can be written", err)
	}
	x := &XLSX{
		out: w, limit: sheetRows, folder: folder,
		file: excelize.NewFile(excelize.Options{TmpDir: folder}),
	}
	x.flat = newFlat(x.row)
	// The workbook goes to w as it is zipped, not into a buffer first.
	x.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(w) })
	if x.text, err = x.file.NewStyle(&excelize.Style{NumFmt: textFormat}); err == nil {
		x.header, err = x.file.NewStyle(&excelize.Style{NumFmt: textFormat, Font: &excelize.Font{Bold: true}})
	}
	if err != nil {
		x.Discard()
		return nil, fmt.Errorf("begin the workbook: %w", err)
	}
	return x, nil
}

// textFormat is the built-in format "@": a cell stays text when a person edits it.
const textFormat = 49

// Close writes the workbook. It does not close the underlying writer.
func (x *XLSX) Close() error {
	defer x.Discard()
	if x.sheet == nil {
		if err := x.nextSheet(); err != nil {
			return err
		}
	}
	if err := x.endSheet(); err != nil {
		return err
	}
	x.file.SetActiveSheet(0)
	if err := x.file.Write(x.out); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

// Discard removes the temporary files. It may be called more than once.
func (x *XLSX) Discard() {
	_ = x.file.Close() // its files are in the folder
	_ = os.RemoveAll(x.folder)
}

func (x *XLSX) row(cells []string) error {
	if x.sheet == nil || x.rows == x.limit {
		if err := errors.Join(x.endSheet(), x.nextSheet()); err != nil {
			return err
		}
	}
	return x.line(cells, x.text)
}

func (x *XLSX) line(cells []string, style int) error {
	values := make([]any, len(cells))
	for i, cell := range cells {
		if cell != "" {
			values[i] = cell
		}
	}
	x.rows++
	at := "A" + strconv.Itoa(x.rows)
	if err := x.sheet.SetRow(at, values, excelize.RowOpts{StyleID: style}); err != nil {
		return fmt.Errorf("write row %d of the workbook: %w", x.rows, err)
	}
	return nil
}

// nextSheet begins a worksheet with the header, frozen.
func (x *XLSX) nextSheet() error {
	x.sheets++
	x.rows = 0
	name := x.sheetName()
	var err error
	if x.sheets == 1 {
		err = x.file.SetSheetName(x.file.GetSheetName(0), name)
	} else {
		_, err = x.file.NewSheet(name)
	}
	if err == nil {
		x.sheet, err = x.file.NewStreamWriter(name)
	}
	if err == nil {
		err = x.sheet.SetColWidth(1, len(Columns()), columnWidth)
	}
	if err == nil {
		err = x.sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
	}
	if err != nil {
		return fmt.Errorf("begin sheet %q of the workbook: %w", name, err)
	}
	return x.line(Columns(), x.header)
}

// columnWidth is in characters: an id of 19 digits and most names fit.
const columnWidth = 22

// endSheet puts a filter over the rows and ends the sheet, if one is begun.
func (x *XLSX) endSheet() error {
	if x.sheet == nil {
		return nil
	}
	last, err := excelize.CoordinatesToCellName(len(Columns()), x.rows)
	if err == nil {
		err = x.file.AutoFilter(x.sheetName(), "A1:"+last, nil)
	}
	if err == nil {
		err = x.sheet.Flush()
	}
	if err != nil {
		return fmt.Errorf("end sheet %q of the workbook: %w", x.sheetName(), err)
	}
	x.sheet = nil
	return nil
}

func (x *XLSX) sheetName() string {
	if x.sheets == 1 {
		return "assignments"
	}
	return "assignments " + strconv.Itoa(x.sheets)
}
