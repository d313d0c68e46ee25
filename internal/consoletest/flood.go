package consoletest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync"
)

const (
	bombRows  = 19_000_000
	longRow   = 9 << 20 // bytes of a longRow
	floodPart = 64 << 10
)

// compressedRows is the gzip of a list with bombRows empty rows.
var compressedRows = sync.OnceValue(func() []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		bug(err)
	}
	const part = 10_000
	rows := []byte(strings.Repeat("{},", part))
	_, err = io.WriteString(w, `{"data":[`)
	for range bombRows/part - 1 {
		if err == nil {
			_, err = w.Write(rows)
		}
	}
	if err == nil {
		_, err = w.Write(append(bytes.TrimSuffix(rows, []byte(",")), `],"pagination":{"nextCursor":null}}`...))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		bug(err)
	}
	return out.Bytes()
})

// gzipBomb ignores what the client accepts, as a console with a bad intent would.
func gzipBomb() answer {
	return answer{
		status: http.StatusOK, header: map[string]string{"Content-Encoding": "gzip"}, body: compressedRows(),
	}
}

// endlessBody writes a field of a list's envelope that no client needs.
func endlessBody(w io.Writer) error {
	_, err := io.WriteString(w, `{"padding":"`)
	for part := strings.Repeat("x", floodPart); err == nil; {
		_, err = io.WriteString(w, part)
	}
	return err
}

// flood applies longRow and extraRows to the rows of a page.
func flood(fault FaultKind, rows [][]byte, limit int) [][]byte {
	if len(rows) == 0 {
		return rows
	}
	switch fault {
	case LongRow:
		padding := strings.Repeat("x", longRow-len(rows[0]))
		long := append([]byte(`{"padding":"`+padding+`",`), rows[0][1:]...)
		return append([][]byte{long}, rows[1:]...)
	case ExtraRows:
		for len(rows) <= limit {
			rows = append(rows, rows[len(rows)-1])
		}
	default:
	}
	return rows
}
