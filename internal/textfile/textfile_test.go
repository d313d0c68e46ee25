package textfile_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/textfile"
)

// A mark in front is no part of the text; UTF-16 is refused in both orders, with a mark and
// without; everything else is what it is.
func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		data, want string
		utf16      bool
	}{
		{data: ""},
		{data: "a", want: "a"},
		{data: "\xef\xbb\xbfana@example.com\r\n", want: "ana@example.com\r\n"},
		{data: "\xef\xbb\xbf", want: ""},
		{data: "\xef\xbb\xbf\xef\xbb\xbfk1:x", want: "k1:x"},
		{data: "a\xef\xbb\xbf", want: "a\xef\xbb\xbf"},
		{data: "\xff\xfe\x00\x00a\x00\x00\x00", utf16: true},
		{data: "\x00\x00\xfe\xff\x00\x00\x00a", utf16: true},
		{data: "zo\xeb", want: "zo\xeb"}, // Windows-1252: the reader of the file judges it
		{data: "\x00\x00", want: "\x00\x00"},
		{data: "\xff\xfea\x00", utf16: true},
		{data: "\xfe\xff\x00a", utf16: true},
		{data: "\xff\xfe", utf16: true},
		{data: "a\x00b\x00", utf16: true},
		{data: "\x00a\x00b", utf16: true},
	} {
		got, err := textfile.Text([]byte(c.data))
		if c.utf16 {
			require.ErrorIs(t, err, textfile.ErrUTF16, "%q", c.data)
			require.ErrorContains(t, err, "save it as UTF-8")
			continue
		}
		require.NoError(t, err, "%q", c.data)
		require.Equal(t, c.want, string(got))
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	_, err := textfile.Read(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, path)
	require.NoError(t, os.WriteFile(path, []byte("\xef\xbb\xbfx"), 0o600))
	got, err := textfile.Read(path)
	require.NoError(t, err)
	require.Equal(t, "x", string(got))
}
