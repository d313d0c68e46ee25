package consoletest

import (
	"encoding/base64"
	"net/url"
	"strconv"
)

// cutAtOffset is cut for cursors that stand for an offset. Rows are always in the order of ids.
func (c *Console) cutAtOffset(matching []*record, q url.Values) (page []*record, next string) {
	start := number(q.Get("skip"), 0)
	if raw, err := base64.StdEncoding.DecodeString(q.Get("cursor")); err == nil {
		start += number(string(raw), 0)
	}
	start = min(start, len(matching))
	end := min(start+number(q.Get("limit"), 10), len(matching))
	if end < len(matching) {
		next = base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(end)))
	}
	return matching[start:end], next
}
