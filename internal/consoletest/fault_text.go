package consoletest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// faultJSON is a fault with durations as Go strings.
type faultJSON struct {
	Name       FaultKind `json:"name"`
	Path       string    `json:"path,omitempty"`
	Method     string    `json:"method,omitempty"`
	Only       Only      `json:"only,omitempty"`
	After      int       `json:"after,omitempty"`
	Every      int       `json:"every,omitempty"`
	Times      int       `json:"times,omitempty"`
	RetryAfter duration  `json:"retryAfter,omitzero"`
	Delay      duration  `json:"delay,omitzero"`
}

// MarshalJSON writes durations as Go strings.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{
		f.Name, f.Path, f.Method, f.Only, f.After, f.Every, f.Times, duration(f.RetryAfter), duration(f.Delay),
	})
}

// UnmarshalJSON reads what MarshalJSON writes and refuses unknown fields.
func (f *Fault) UnmarshalJSON(in []byte) error {
	var v faultJSON
	dec := json.NewDecoder(bytes.NewReader(in))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		return fmt.Errorf("read a fault: %w", err)
	}
	*f = Fault{
		v.Name, v.Path, v.Method, v.Only, v.After, v.Every, v.Times,
		time.Duration(v.RetryAfter), time.Duration(v.Delay),
	}
	return nil
}

// ParseFault parses a fault from a command line: its kind, then settings.
//
//	rateLimited,path=/users,after=2,times=1,retry-after=2s
//
// Settings: path, method, only, after, every, times, retry-after, delay.
func ParseFault(text string) (Fault, error) {
	kind, rest, more := strings.Cut(text, ",")
	f := Fault{Name: FaultKind(strings.TrimSpace(kind))}
	for more {
		var setting string
		setting, rest, more = strings.Cut(rest, ",")
		if err := f.set(strings.TrimSpace(setting)); err != nil {
			return Fault{}, fmt.Errorf("fault %q: %w", text, err)
		}
	}
	return f, f.Validate()
}

func (f *Fault) set(setting string) (err error) {
	name, value, ok := strings.Cut(setting, "=")
	if !ok {
		return fmt.Errorf("%q is not a setting: write name=value", setting)
	}
	switch name {
	case "path":
		f.Path = value
	case "method":
		f.Method = strings.ToUpper(value)
	case "only":
		f.Only = Only(value)
	case "after":
		f.After, err = strconv.Atoi(value)
	case "every":
		f.Every, err = strconv.Atoi(value)
	case "times":
		f.Times, err = strconv.Atoi(value)
	case "retry-after":
		f.RetryAfter, err = time.ParseDuration(value)
	case "delay":
		f.Delay, err = time.ParseDuration(value)
	default:
		return fmt.Errorf("unknown setting %q: choose from path, method, only, after, every, times, retry-after, delay",
			name)
	}
	if err != nil {
		return fmt.Errorf("setting %s has the invalid value %q: %w", name, value, err)
	}
	return nil
}
