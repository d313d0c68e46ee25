package consoletest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sentinelone-provisioner/internal/access"
)

// Writes are processed under one lock; the latency comes after. Input whose effect the vendor
// does not describe is rejected, so that no client relies on it.

func onlyKnown(at string, fields map[string]json.RawMessage, known ...string) (answer, bool) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(known, name) {
			return invalid("%s%s: Unknown field", at, name), false
		}
	}
	return answer{}, true
}

func decodeFields(fields map[string]json.RawMessage, into any) (answer, bool) {
	if err := json.Unmarshal(mustJSON(fields), into); err != nil {
		return invalid("data: Invalid input type."), false
	}
	return answer{}, true
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// emailTaken compares without regard to case; whether consoles do is not documented.
func (c *Console) emailTaken(email string, except int64) bool {
	if slices.ContainsFunc(c.opts.HiddenEmails, func(h string) bool { return strings.EqualFold(h, email) }) {
		return true
	}
	for _, r := range c.users.records {
		if r.id != except && strings.EqualFold(r.entity.(*principal).email, email) {
			return true
		}
	}
	return false
}

// touch discards the rendered JSON of a principal.
func (c *Console) touch(p *principal) {
	t := &c.users
	if p.kind == access.ServiceUser {
		t, p.updated = &c.serviceUsers, c.now()
	}
	if r := t.get(p.id); r != nil {
		r.json = nil
	}
	c.roleCounts = nil
}

const missing = "Missing data for required field."

// length returns what is wrong with the length of a text, in characters; "" if it is valid. A
// most of 0 means no limit.
func length(text string, least, most int) string {
	switch n := utf8.RuneCountInString(text); {
	case n < least:
		return "Shorter than minimum length " + strconv.Itoa(least) + "."
	case most > 0 && n > most:
		return "Longer than maximum length " + strconv.Itoa(most) + "."
	}
	return ""
}

// protected reports whether writes to the principal draw 403: system users, and users whose roles
// are managed elsewhere, if the options say so. What real consoles do is unknown.
func (c *Console) protected(p *principal) bool {
	return c.opts.ProtectReadOnly && (p.isSystem || p.readOnly)
}

// delete deletes a principal with its roles and token. It refuses to delete the owner of the API
// token that the request has: this is our choice, what real consoles do is unknown.
func (c *Console) delete(call *call, name access.Collection) answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.table(name)
	p := find[principal](t, call.id())
	switch {
	case p == nil:
		return notFound()
	case c.protected(p) || p == c.callerOf(call):
		return forbidden()
	}
	t.remove(p.id)
	delete(c.serviceTokens, p.id)
	c.written(call, p, nil)
	return success
}

// written records a write to a principal: in the log of changes and, if a stale fault affects the
// request, as hidden from reads. before is nil for a created principal, after for a deleted
// one.
func (c *Console) written(call *call, before, after *principal) {
	c.roleCounts = nil
	if after != nil {
		c.touch(after)
	}
	c.changed(ByAPI, before, after)
	c.recordChange(ByAPI, before, after)
	c.hide(call.stale, before, after)
}
