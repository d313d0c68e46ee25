package config

import (
	"fmt"
	"io/fs"
	"os"
)

// othersWrite is the bit that lets every user of the machine write a file.
const othersWrite fs.FileMode = 0o002

// WritableNotes says which of the files that decide who gets access every user of the machine
// may write, one sentence each with what to do.
func (c Config) WritableNotes() []string {
	var notes []string
	for _, f := range []struct{ variable, path string }{
		{"POLICY_FILE", c.Worker.Policy},
		{"ALLOWED_SIGNERS", c.Signing.Allowed},
		{"ALLOWED_SIGNERS_REVOKED", c.Signing.Revoked},
	} {
		info, err := os.Stat(f.path)
		if err != nil || info.Mode()&othersWrite == 0 {
			continue // not set, or a fault that Validate names
		}
		notes = append(notes, fmt.Sprintf("%s: every user of this machine may write %s (mode %04o), and so decide who "+
			"gets access: run chmod o-w on it", f.variable, f.path, info.Mode().Perm()))
	}
	return notes
}
