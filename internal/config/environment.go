package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"sentinelone-provisioner/internal/envvar"
)

// maxPath is the longest path of Linux, in bytes.
const maxPath = 4096

// environment returns the values of all variables as they are meant, without those that are blank
// and so unset. The faults are of those that nobody can have meant; each begins with the name.
func environment() (map[string]string, []error) {
	values := map[string]string{}
	var faults []error
	for _, v := range Variables() {
		value, set, _, err := envvar.Lookup(v.Name)
		switch {
		case err != nil:
			faults = append(faults, err)
		case set && v.File != "" && strings.Contains(value, "://"):
			faults = append(faults, fmt.Errorf("%s is a URL: set it to the path of a file", v.Name))
		case set && !v.Secret && !v.url && envvar.HoldsPassword(value):
			faults = append(faults, fmt.Errorf("%s holds a URL with a password, and is none itself: "+
				"set the variable that is meant", v.Name))
		case set && v.File != "" && len(value) > maxPath:
			faults = append(faults, fmt.Errorf("%s is %d bytes long, which no path is: set it to the path of a file",
				v.Name, len(value)))
		case set:
			values[v.Name] = value
		}
	}
	// A blank queue is refused rather than unset: two workers on different queues share no work.
	if queue := os.Getenv(taskQueue); queue != "" && strings.TrimSpace(queue) == "" {
		values[taskQueue] = queue
	}
	return values, faults
}

const taskQueue = "TASK_QUEUE"

// besides joins faults with those of err that are about other variables: what is refused as it was
// written would also count as missing.
func besides(faults []error, err error) error {
	out := append([]error{}, faults...)
	for _, e := range Faults(err) {
		name, _, _ := strings.Cut(strings.NewReplacer(":", " ", "\n", " ").Replace(e.Error()), " ")
		known := false
		for _, f := range faults {
			known = known || strings.HasPrefix(f.Error(), name+" ")
		}
		if !known {
			out = append(out, e)
		}
	}
	return errors.Join(out...)
}

// Faults takes joined errors apart. One that only wraps several causes stays whole.
func Faults(err error) (out []error) {
	if err == nil {
		return nil
	}
	joined, is := err.(interface{ Unwrap() []error }) // the point is the outermost shape
	if !is || err.Error() != errors.Join(joined.Unwrap()...).Error() {
		return []error{err}
	}
	for _, e := range joined.Unwrap() {
		out = append(out, Faults(e)...)
	}
	return out
}
