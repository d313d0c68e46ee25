package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"sentinelone-provisioner/internal/envvar"
	"sentinelone-provisioner/internal/signing"
)

// FileState is what is known about a file or folder that a setting names.
type FileState struct {
	Variable string
	Path     string
	OK       bool
	Text     string // that it can be read, and by whom it must not be; or what is wrong
	Fix      string // a command; "" if nothing is wrong
}

// Bits of other users, and of the file's group, in a mode.
const (
	othersMay    fs.FileMode = 0o007
	groupWrite   fs.FileMode = 0o020
	mayExecute   fs.FileMode = 0o111
	secretMode               = "600"
	folderMode               = "700"
	noOthersMode             = "go-w"
)

// Files looks at each file and folder that a variable names, in the order of [Variables]. It opens
// them as this user; the worker may be another one.
func Files() []FileState {
	var out []FileState
	for _, list := range [][]Variable{Variables(), TemporalVariables(), NetworkVariables(), TracingVariables()} {
		for _, v := range list {
			if v.File == "" {
				continue
			}
			if path, set, _, err := envvar.Lookup(v.Name); set && err == nil {
				out = append(out, lookAt(v, path))
			}
		}
	}
	return out
}

const othersOpen = "other users of this machine may open %s (mode %04o), and only the worker's user may"

func lookAt(v Variable, path string) FileState {
	s := FileState{Variable: v.Name, Path: path}
	shown := envvar.Shown(path)
	if len(path) <= maxPath && !looksLikeToken(path) && !envvar.HoldsPassword(path) {
		shown = path
	}
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() && v.File != FileProgram {
		var f *os.File
		if f, err = os.Open(path); err == nil {
			_ = f.Close()
		}
	}
	if err != nil {
		return s.unreadable(v, shown, err)
	}
	mode := info.Mode().Perm()
	switch v.File {
	case FolderSecret:
		s.folder(info, shown)
	case FileProgram:
		s.program(info, shown)
	case FileSecret:
		s.check(mode&othersMay == 0 && (v.Name != "LEDGER_KEY_FILE" || signing.ClosedToOthers(info)),
			fmt.Sprintf("%s can be read (mode %04o); only the worker's user may read it", shown, mode),
			fmt.Sprintf(othersOpen, shown, mode), "chmod "+secretMode+" "+shown)
	case FileRules:
		s.check(mode&(othersWrite|groupWrite) == 0,
			fmt.Sprintf("%s can be read (mode %04o); only its owner may write it", shown, mode),
			fmt.Sprintf("other users of this machine may write %s (mode %04o), and so decide who gets access",
				shown, mode), "chmod "+noOthersMode+" "+shown)
	default:
		s.OK, s.Text = true, fmt.Sprintf("%s can be read", shown)
	}
	if info.IsDir() != (v.File == FolderSecret) {
		s.OK, s.Text, s.Fix = false, shown+" is a folder, and must be a file", "ls -l "+shown
		if v.File == FolderSecret {
			s.Text = shown + " is a file, and must be a folder"
		}
	}
	return s
}

func (s *FileState) check(ok bool, good, bad, fix string) {
	s.OK, s.Text = ok, good
	if !ok {
		s.Text, s.Fix = bad, fix
	}
}

func (s *FileState) folder(info fs.FileInfo, shown string) {
	mode := info.Mode().Perm()
	s.check(mode&othersMay == 0,
		fmt.Sprintf("%s is there (mode %04o); only the worker's user may open it", shown, mode),
		fmt.Sprintf(othersOpen, shown, mode), "chmod "+folderMode+" "+shown)
}

func (s *FileState) program(info fs.FileInfo, shown string) {
	mode := info.Mode().Perm()
	s.check(mode&mayExecute != 0 && mode&othersWrite == 0,
		fmt.Sprintf("%s can be run; only its owner may write it (mode %04o)", shown, mode),
		fmt.Sprintf("%s cannot be run, or other users may write it (mode %04o)", shown, mode), "chmod u+x,o-w "+shown)
}

func (s FileState) unreadable(v Variable, shown string, err error) FileState {
	if v.File == FileProgram {
		if found, lookErr := exec.LookPath(s.Path); lookErr == nil {
			s.OK, s.Text = true, found+" can be run"
			return s
		}
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	if v.Name == "TEMPORAL_CONFIG_FILE" && errors.Is(err, fs.ErrNotExist) {
		s.OK, s.Text = true, shown+" is not there: the defaults count"
		return s
	}
	s.Text, s.Fix = fmt.Sprintf("%s cannot be read: %v", shown, err), "ls -l "+shown
	if errors.Is(err, fs.ErrPermission) {
		s.Fix = fmt.Sprintf("sudo chown %d %s", os.Geteuid(), shown)
	}
	return s
}
