package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
)

// row is one entity as stored in the table entities.
type row struct {
	id, name, email, parent string
	doc                     string // JSON without last activity and held roles
	digest                  string
	lastActive              *int64
	held                    []access.Assignment
}

// checkPage rejects entities that do not belong into a page of the collection.
func checkPage(c access.Collection, entities []access.Entity) error {
	for _, e := range entities {
		switch {
		case e.In() != c:
			return fmt.Errorf("a page of %s contains an entity of %s with id %s: save it with its own collection",
				c, e.In(), e.Key())
		case e.Key() == "":
			return fmt.Errorf("a page of %s contains an entity without id: every entity needs one", c)
		}
	}
	return nil
}

// decodePage turns the body of a saved page into rows.
func decodePage(c access.Collection, body []byte) ([]row, error) {
	var entities []access.Entity
	body, err := pageJSON(body)
	if err != nil {
		return nil, fmt.Errorf("read a saved page of %s: %w", c, err)
	}
	switch c {
	case access.Accounts:
		entities, err = decodeAs[access.Account](body)
	case access.Sites:
		entities, err = decodeAs[access.Site](body)
	case access.Roles:
		entities, err = decodeAs[access.Role](body)
	case access.Users, access.ServiceUsers:
		entities, err = decodeAs[access.Principal](body)
	default:
		err = fmt.Errorf("unknown collection %q", c)
	}
	if err != nil {
		return nil, fmt.Errorf("decode a saved page of %s: %w", c, err)
	}
	return encodeRows(entities)
}

func decodeAs[T access.Entity](body []byte) ([]access.Entity, error) {
	var values []T
	if err := json.Unmarshal(body, &values); err != nil {
		return nil, err
	}
	out := make([]access.Entity, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out, nil
}

// encodeRows turns a page into rows, one per id: the last one wins. It encodes the halves
// of a page in parallel, since the next page is requested only after this one is saved.
func encodeRows(entities []access.Entity) ([]row, error) {
	rows := make([]row, len(entities))
	half := len(entities) / 2
	var group errgroup.Group
	group.Go(func() error { return encodeEach(rows[:half], entities[:half]) })
	err := encodeEach(rows[half:], entities[half:])
	if first := group.Wait(); first != nil {
		err = first
	}
	if err != nil {
		return nil, err
	}
	return dedupe(rows), nil
}

func encodeEach(rows []row, entities []access.Entity) (err error) {
	enc := newEncoder()
	for i, e := range entities {
		if rows[i], err = enc.row(e); err != nil {
			return fmt.Errorf("encode %s %s: %w", e.In(), e.Key(), err)
		}
	}
	return nil
}

// encoder encodes entities one after the other and reuses its buffer.
type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

func newEncoder() *encoder {
	e := &encoder{}
	e.json = json.NewEncoder(&e.buf)
	return e
}

func (enc *encoder) row(e access.Entity) (row, error) {
	switch v := e.(type) {
	case access.Account:
		return enc.finish(row{id: v.ID, name: v.Name}, v)
	case access.Site:
		return enc.finish(row{id: v.ID, name: v.Name, parent: v.AccountID}, v)
	case access.Role:
		return enc.finish(row{id: v.ID, name: v.Name, parent: v.ScopeID}, v)
	case access.Principal:
		return enc.principal(v)
	}
	return row{}, fmt.Errorf("store an entity of type %T: that type has no collection", e)
}

func dedupe(rows []row) []row {
	at := make(map[string]int, len(rows))
	out := rows[:0]
	for _, r := range rows {
		if i, repeated := at[r.id]; repeated {
			out[i] = r
			continue
		}
		at[r.id] = len(out)
		out = append(out, r)
	}
	return out
}

func (enc *encoder) principal(p access.Principal) (row, error) {
	p.Held = access.NormalizeHeld(slices.Clone(p.Held))
	r := row{id: p.ID, name: p.Name, email: p.Email, held: p.Assignments()}
	if p.LastActiveAt != nil {
		us := micros(*p.LastActiveAt)
		r.lastActive = &us
	}
	p.Held, p.LastActiveAt = nil, nil
	p.CreatedAt, p.TokenExpiresAt = utcOrNil(p.CreatedAt), utcOrNil(p.TokenExpiresAt)
	return enc.finish(r, p)
}

// finish adds the document and the digest over it and the held roles.
func (enc *encoder) finish(r row, entity any) (row, error) {
	enc.buf.Reset()
	if err := enc.json.Encode(entity); err != nil {
		return r, err
	}
	enc.buf.Truncate(enc.buf.Len() - 1) // the final newline
	r.doc = enc.buf.String()
	doc := enc.buf.Bytes()
	for _, a := range r.held {
		doc = appendQuoted(append(doc, '\n'), a.RoleID)
		doc = appendQuoted(doc, a.ScopeID)
	}
	digest := sha256.Sum256(doc)
	r.digest = base64.RawStdEncoding.EncodeToString(digest[:16])
	// PostgreSQL accepts no NUL in a text; in the document it is escaped.
	r.name, r.email = strings.ReplaceAll(r.name, "\x00", ""), strings.ReplaceAll(r.email, "\x00", "")
	return r, nil
}

// appendQuoted is strconv.AppendQuote, faster for ids, which are digits.
func appendQuoted(out []byte, s string) []byte {
	if !isDigits(s) {
		return strconv.AppendQuote(out, s)
	}
	return append(append(append(out, '"'), s...), '"')
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func utcOrNil(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
