package store

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"sentinelone-provisioner/internal/access"
)

// pageBody is the body of a saved page: a JSON array of the entities, compressed with
// zlib. A page of 1,000 users is a third of a megabyte of repetitive text; compressing it
// takes less time than sending and writing all of it.
func pageBody(rows []row) ([]byte, error) {
	text, err := pageText(rows)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, _ := compressors.Get().(*zlib.Writer)
	defer compressors.Put(w)
	w.Reset(&out)
	_, err = w.Write(text)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("compress a page: %w", err)
	}
	return out.Bytes(), nil
}

// compressors reuses writers: creating one takes longer than compressing a page.
var compressors = sync.Pool{New: func() any {
	w, _ := zlib.NewWriterLevel(io.Discard, zlib.BestSpeed) // it only fails for an unknown level
	return w
}}

// pageJSON decompresses the body of a saved page.
func pageJSON(body []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// pageText is the JSON array of the rows' entities: each row's document, with the last
// activity and the held roles that the document leaves out.
func pageText(rows []row) ([]byte, error) {
	size := 2
	for _, r := range rows {
		size += len(r.doc) + 64 + 80*len(r.held)
	}
	out := append(make([]byte, 0, size), '[')
	for i, r := range rows {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, r.doc[:len(r.doc)-1]...) // every document has at least an id
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

// appendText adds a JSON string. Ids are digits and need no escaping; other texts get it.
func appendText(out []byte, s string) ([]byte, error) {
	if !isDigits(s) {
		text, err := json.Marshal(s)
		return append(out, text...), err
	}
	return append(append(append(out, '"'), s...), '"'), nil
}
