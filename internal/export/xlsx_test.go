package export

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"sentinelone-provisioner/internal/access"
)

func openWorkbook(t *testing.T, data []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(data))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// exportOne exports one assignment of a user with that id and name.
func exportOne(t *testing.T, id, name string) []byte {
	t.Helper()
	var out bytes.Buffer
	x, err := NewXLSX(&out)
	require.NoError(t, err)
	require.NoError(t, x.Role(access.Role{ID: "21", Name: name}))
	require.NoError(t, x.NamedAssignment(access.Assignment{
		PrincipalKind: access.User, PrincipalID: id, RoleID: "21", Level: access.Tenant,
	}, "ana@example.com", name))
	require.NoError(t, x.Close())
	require.NoDirExists(t, x.folder)
	return out.Bytes()
}

// Ids keep their digits, names their letters, and nothing is a formula.
func TestXLSX_EveryCellIsText(t *testing.T) {
	t.Parallel()
	const id = "1234567890123456789"
	for _, name := range []string{
		"Müller, Jörg", `=HYPERLINK("http://example.com")`, "+1", "＝1", "007", "1e5", "TRUE", "2026-03-03", " ends ",
		"<&>", "_x0041_", "two\nlines",
	} {
		data := exportOne(t, id, name)
		f := openWorkbook(t, data)
		rows, err := f.GetRows("assignments")
		require.NoError(t, err)
		require.Equal(t, Columns(), rows[0])
		require.Equal(t, []string{"user", id, "ana@example.com", name, "21", name, "false", "tenant"}, rows[1], name)
		for _, cell := range []string{"B2", "D2", "E2", "F2", "G2"} {
			kind, err := f.GetCellType("assignments", cell)
			require.NoError(t, err)
			require.Equal(t, excelize.CellTypeInlineString, kind, "%s of %q", cell, name)
			style, err := f.GetCellStyle("assignments", cell)
			require.NoError(t, err)
			got, err := f.GetStyle(style)
			require.NoError(t, err)
			require.Equal(t, textFormat, got.NumFmt)
			formula, err := f.GetCellFormula("assignments", cell)
			require.NoError(t, err)
			require.Empty(t, formula)
		}
		require.Equal(t, data, exportOne(t, id, name), "the same state gives the same bytes")
	}
}

func TestXLSX_HeaderIsFrozenAndHasAFilter(t *testing.T) {
	t.Parallel()
	f := openWorkbook(t, exportOne(t, "1", "Ana"))
	panes, err := f.GetPanes("assignments")
	require.NoError(t, err)
	require.True(t, panes.Freeze)
	require.Equal(t, 1, panes.YSplit)
	require.Equal(t, "_xlnm._FilterDatabase", f.GetDefinedName()[0].Name)
	require.Equal(t, "'assignments'!$A$1:$L$2", f.GetDefinedName()[0].RefersTo)
	sheet, ok := f.Pkg.Load("xl/worksheets/sheet1.xml")
	require.True(t, ok)
	require.Contains(t, string(sheet.([]byte)), `<autoFilter ref="$A$1:$L$2">`)
}

func TestXLSX_EmptyConsoleHasHeader(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	x, err := NewXLSX(&out)
	require.NoError(t, err)
	require.NoError(t, x.Close())
	rows, err := openWorkbook(t, out.Bytes()).GetRows("assignments")
	require.NoError(t, err)
	require.Equal(t, [][]string{Columns()}, rows)
}

// A table of more rows than a worksheet can have continues on another.
func TestXLSX_SeveralSheets(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	x, err := NewXLSX(&out)
	require.NoError(t, err)
	x.limit = 3
	for i := range 5 {
		require.NoError(t, x.Assignment(access.Assignment{PrincipalID: strconv.Itoa(i), Level: access.Tenant}))
	}
	require.NoError(t, x.Close())
	f := openWorkbook(t, out.Bytes())
	require.Equal(t, []string{"assignments", "assignments 2", "assignments 3"}, f.GetSheetList())
	next := 0
	for i, sheet := range f.GetSheetList() {
		rows, err := f.GetRows(sheet)
		require.NoError(t, err)
		require.Equal(t, Columns(), rows[0])
		require.Len(t, rows, []int{3, 3, 2}[i])
		for _, row := range rows[1:] {
			require.Equal(t, strconv.Itoa(next), row[1])
			next++
		}
	}
	require.Equal(t, 5, next)
}

// Memory does not grow with the rows: neither while they are written nor when the workbook is.
//
//nolint:paralleltest // it measures the process
func TestXLSX_MemoryIsBounded(t *testing.T) {
	peak := func(rows int) (most uint64) {
		look := func() {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		writes := 0
		x, err := NewXLSX(writerFunc(func() {
			if writes++; writes%100 == 0 {
				look()
			}
		}))
		require.NoError(t, err)
		for i := range rows {
			a := access.Assignment{PrincipalID: strconv.Itoa(1e18 + i), ScopeID: strconv.Itoa(7 * i)}
			require.NoError(t, x.NamedAssignment(a, strconv.Itoa(i*13)+"@example.com", "Person "+strconv.Itoa(i*17)))
			if i%20_000 == 0 {
				look()
			}
		}
		require.NoError(t, x.Close())
		return most
	}
	small := peak(50_000)
	require.Less(t, peak(200_000), small+4<<20)
}

// writerFunc is called for every write.
type writerFunc func()

func (f writerFunc) Write(p []byte) (int, error) {
	f()
	return len(p), nil
}

func TestXLSX_ReportsWriteErrors(t *testing.T) {
	t.Parallel()
	x, err := NewXLSX(full{})
	require.NoError(t, err)
	require.ErrorContains(t, x.Close(), "disk full")
	require.NoDirExists(t, x.folder)
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// Without a place for its rows, an export does not begin: it would take all memory instead.
func TestXLSX_NeedsATemporaryFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/missing")
	_, err := NewXLSX(io.Discard)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "set TMPDIR")
}
