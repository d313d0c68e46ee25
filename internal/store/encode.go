package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// row is one entity as the tables hold it.
type row struct {
	id, name, email, parent string
	doc                     string // JSON without last activity and held roles
	digest                  string
	lastActive              *int64
	held                    []access.Assignment
}

// encodePage makes the body of a saved page.
func encodePage(c access.Collection, entities []access.Entity) ([]byte, error) {
	for _, e := range entities {
		switch {
		case e.In() != c:
			return nil, fmt.Errorf("a page of %s holds one of %s, id %s", c, e.In(), e.Key())
		case e.Key() == "":
			return nil, fmt.Errorf("a page of %s holds an entry without id", c)
		}
	}
	if entities == nil {
		entities = []access.Entity{}
	}
	body, err := json.Marshal(entities)
	if err != nil {
		return nil, fmt.Errorf("encode a page of %s: %w", c, err)
	}
	return body, nil
}

// decodePage turns the body of a saved page into rows, one per id: of repeats the
// last.
func decodePage(c access.Collection, body []byte) ([]row, error) {
	var rows []row
	var err error
	switch c {
	case access.Accounts:
		rows, err = decodeAs(body, accountRow)
	case access.Sites:
		rows, err = decodeAs(body, siteRow)
	case access.Roles:
		rows, err = decodeAs(body, roleRow)
	case access.Users, access.ServiceUsers:
		rows, err = decodeAs(body, principalRow)
	default:
		err = fmt.Errorf("unknown collection %q", c)
	}
	if err != nil {
		return nil, fmt.Errorf("decode a saved page of %s: %w", c, err)
	}
	return lastOfEach(rows), nil
}

func decodeAs[T any](body []byte, encode func(T) (row, error)) ([]row, error) {
	var values []T
	if err := json.Unmarshal(body, &values); err != nil {
		return nil, err
	}
	rows := make([]row, len(values))
	for i, v := range values {
		r, err := encode(v)
		if err != nil {
			return nil, err
		}
		rows[i] = r
	}
	return rows, nil
}

func lastOfEach(rows []row) []row {
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

func accountRow(a access.Account) (row, error) {
	return finish(row{id: a.ID, name: a.Name}, a)
}

func siteRow(s access.Site) (row, error) {
	return finish(row{id: s.ID, name: s.Name, parent: s.AccountID}, s)
}

func roleRow(r access.Role) (row, error) {
	return finish(row{id: r.ID, name: r.Name, parent: r.ScopeID}, r)
}

func principalRow(p access.Principal) (row, error) {
	p.Held = access.NormalizeHeld(slices.Clone(p.Held))
	r := row{id: p.ID, name: p.Name, email: p.Email, held: p.Assignments()}
	if p.LastActiveAt != nil {
		us := micros(*p.LastActiveAt)
		r.lastActive = &us
	}
	p.Held, p.LastActiveAt = nil, nil
	p.CreatedAt, p.TokenExpiresAt = inUTC(p.CreatedAt), inUTC(p.TokenExpiresAt)
	return finish(r, p)
}

// finish adds the document and the digest over it and the held roles.
func finish(r row, entity any) (row, error) {
	doc, err := json.Marshal(entity)
	if err != nil {
		return r, err
	}
	r.doc = string(doc)
	sum := bytes.NewBuffer(doc)
	for _, a := range r.held {
		fmt.Fprintf(sum, "\n%q %q", a.RoleID, a.ScopeID)
	}
	digest := sha256.Sum256(sum.Bytes())
	r.digest = base64.RawStdEncoding.EncodeToString(digest[:16])
	// PostgreSQL keeps no NUL in a text; in the document it is escaped.
	r.name, r.email = strings.ReplaceAll(r.name, "\x00", ""), strings.ReplaceAll(r.email, "\x00", "")
	return r, nil
}

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
