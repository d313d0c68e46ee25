package store

import (
	"encoding/json"
	"time"

	"sentinelone-provisioner/internal/access"
)

// pageBody is the body of a saved page: the entities as a JSON array. The documents
// are in the rows already, so only what they leave out is put into each.
func pageBody(rows []row) ([]byte, error) {
	size := 2
	for _, r := range rows {
		size += len(r.doc) + 64 + 80*len(r.held)
	}
	out := append(make([]byte, 0, size), '[')
	for i, r := range rows {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, r.doc[:len(r.doc)-1]...) // every document has an id at least
		if r.lastActive != nil {
			out = append(out, `,"lastActiveAt":"`...)
			out = append(fromMicros(*r.lastActive).AppendFormat(out, time.RFC3339Nano), '"')
		}
		var err error
		if out, err = appendHeld(out, r.held); err != nil {
			return nil, err
		}
		out = append(out, '}')
	}
	return append(out, ']'), nil
}

func appendHeld(out []byte, held []access.Assignment) ([]byte, error) {
	if len(held) == 0 {
		return out, nil
	}
	before := byte('[')
	out = append(out, `,"held":`...)
	for _, a := range held {
		var err error
		out = append(out, before)
		if out, err = appendText(append(out, `{"roleId":`...), a.RoleID); err != nil {
			return nil, err
		}
		if out, err = appendText(append(out, `,"scopeId":`...), a.ScopeID); err != nil {
			return nil, err
		}
		out = append(out, '}')
		before = ','
	}
	return append(out, ']'), nil
}

// appendText adds a JSON string. Ids are digits; whatever else comes is escaped.
func appendText(out []byte, s string) ([]byte, error) {
	if !digits(s) {
		text, err := json.Marshal(s)
		return append(out, text...), err
	}
	return append(append(append(out, '"'), s...), '"'), nil
}
