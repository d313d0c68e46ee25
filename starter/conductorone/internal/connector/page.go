package connector

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"google.golang.org/protobuf/proto"
)

const (
	// pageRows is how many rows are read at once.
	pageRows = 1000
	// pageBytes is how long an answer may get. The SDK refuses one of 4 MiB.
	pageBytes = 3 << 20
)

// position is where a list goes on: what a page token says. It means the same to every process.
type position struct {
	Snapshot string   `json:"s"`
	Phase    int      `json:"p,omitempty"` // of the list: index of its parts
	After    []string `json:"a,omitempty"` // key of the last row; nil at the begin of a part
}

func (p position) token() string {
	b, _ := json.Marshal(p) // texts and a number always encode
	return base64.RawURLEncoding.EncodeToString(b)
}

// parsePosition reads a page token; "" is the begin.
func parsePosition(token string) (p position, err error) {
	if token == "" {
		return p, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil || p.Snapshot == "" {
		return p, fmt.Errorf("page token %q is not from this connector: sync again from the begin", token)
	}
	return p, nil
}

// key is part i of the key; "" at the begin of a part.
func (p position) key(i int) string {
	if i < len(p.After) {
		return p.After[i]
	}
	return ""
}

// page is the answer under construction.
type page[T proto.Message] struct {
	rows  []T
	bytes int
	after []string
	full  bool
}

// add adds what one row of the snapshot gives, and says whether there is room for more.
func (p *page[T]) add(key []string, values ...T) bool {
	for _, v := range values {
		p.bytes += proto.Size(v)
	}
	p.rows, p.after = append(p.rows, values...), key
	p.full = p.bytes >= pageBytes
	return !p.full
}

// next is the answer that names where the list goes on. read is the number of rows that were read from the snapshot,
// and parts that of the list's parts.
func (p *page[T]) next(at position, read, parts int) *rs.SyncOpResults {
	switch {
	case p.full, read == pageRows:
		at.After = p.after
	case at.Phase+1 < parts:
		at.Phase, at.After = at.Phase+1, nil
	default:
		return &rs.SyncOpResults{}
	}
	return &rs.SyncOpResults{NextPageToken: at.token()}
}
