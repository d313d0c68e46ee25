package supportbundle

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// LogLines is how many lines of a log a bundle has, the last ones.
const LogLines = 500

const maxLine = 64 << 10

// logKeys are the fields of a log whose texts say what happened and not to whom.
var logKeys = []string{
	"level", "ts", "time", "msg", "error", "err", "ActivityType", "WorkflowType", "RunID", "TaskQueueType",
	"collection",
	"state", "outcome", "operation", "method", "kind", "version", "reason", "cause", "op",
}

// Tail returns the last lines of a log, scrubbed: lines of the worker in JSON and those that it writes for
// people. Without names, a line in another format is left out, since nothing says what in it is a name.
func (s *Scrubber) Tail(r io.Reader) (string, error) {
	in := bufio.NewReaderSize(r, maxLine)
	var last []string
	for {
		line, err := in.ReadSlice('\n')
		text := strings.TrimRight(string(line), "\r\n")
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a very long line
			_, err = in.ReadSlice('\n')
		}
		if text != "" {
			if last = append(last, text); len(last) > 2*LogLines {
				last = append([]string(nil), last[len(last)-LogLines:]...)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
	}
	var out strings.Builder
	for _, line := range last[max(0, len(last)-LogLines):] {
		out.WriteString(s.logLine(line) + "\n")
	}
	return out.String(), nil
}

func (s *Scrubber) logLine(line string) string {
	if s.WithNames {
		return s.Secrets(line)
	}
	var fields map[string]any
	if json.Unmarshal([]byte(line), &fields) == nil {
		return s.fields(fields)
	}
	// time  LEVEL  message  {fields}
	parts := strings.SplitN(line, "  ", 4)
	if len(parts) >= 3 && isTime(parts[0]) {
		out := []string{parts[0], s.Text(parts[1]), s.Text(parts[2])}
		if len(parts) == 4 && json.Unmarshal([]byte(parts[3]), &fields) == nil {
			out = append(out, s.fields(fields))
		} else if len(parts) == 4 {
			out = append(out, Removed)
		}
		return strings.Join(out, "  ")
	}
	return "[a line in another format was left out: --with-names keeps it]"
}

func (s *Scrubber) fields(fields map[string]any) string {
	encoded, err := json.Marshal(s.tree(fields, "", logKeys))
	if err != nil {
		return Removed
	}
	return string(encoded)
}
