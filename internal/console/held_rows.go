package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// heldRows are the entries of scopeRoles: id is the scope, roleId the role. roleName and name are
// not decoded: the first is null for custom roles, the second is the scope's.
//
// A principal may have thousands of entries, and a console could send millions of empty ones in
// one row. So an entry that names no role is only counted, and encoding/json does not build
// the list.
type heldRows struct {
	named   []access.HeldRole
	unnamed int // entries without a role id
}

// UnmarshalJSON implements [json.Unmarshaler].
func (h *heldRows) UnmarshalJSON(raw []byte) error {
	*h = heldRows{}
	switch raw[0] {
	case 'n':
		return nil
	case '[':
	default:
		return wrongType[[]access.HeldRole]()
	}
	for entries := newParts(raw); entries.next(); {
		if err := h.add(entries.value); err != nil {
			return err
		}
	}
	return nil
}

func (h *heldRows) add(entry []byte) error {
	var scope, role id
	switch entry[0] {
	case 'n':
	case '{':
		for members := newParts(entry); members.next(); {
			var err error
			switch {
			case isKey(members.key, "id"):
				err = inField("id", scope.UnmarshalJSON(members.value))
			case isKey(members.key, "roleId"):
				err = inField("roleId", role.UnmarshalJSON(members.value))
			}
			if err != nil {
				return err
			}
		}
	default:
		return wrongType[access.HeldRole]()
	}
	if role == "" {
		h.unnamed++
		return nil
	}
	h.named = append(h.named, access.HeldRole{RoleID: string(role), ScopeID: string(scope)})
	return nil
}

// inField adds a name to the place of a value of the wrong type.
func inField(name string, err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		wrong.Field = name
	}
	return err
}

// isKey compares a quoted key as encoding/json does: without regard to case.
func isKey(quoted []byte, name string) bool {
	plain := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(plain, '\\') >= 0 {
		return strings.EqualFold(unquote(quoted), name)
	}
	return len(plain) == len(name) && strings.EqualFold(string(plain), name)
}

// parts walks over a list or an object that encoding/json has found valid.
type parts struct {
	raw        []byte
	at         int
	key, value []byte // the key is quoted, and nil in a list
}

func newParts(raw []byte) parts { return parts{raw: raw, at: 1} }

// next goes to the next element or member, and returns false at the end.
func (p *parts) next() bool {
	if p.toValue(); p.raw[p.at] == ']' || p.raw[p.at] == '}' {
		return false
	}
	if p.raw[0] == '{' {
		p.key = p.take()
		p.toValue()
	}
	p.value = p.take()
	return true
}

// toValue skips what stands between values.
func (p *parts) toValue() {
	for {
		switch p.raw[p.at] {
		case ' ', '\t', '\r', '\n', ',', ':':
			p.at++
		default:
			return
		}
	}
}

func (p *parts) take() []byte {
	start := p.at
	p.at = valueEnd(p.raw, start)
	return p.raw[start:p.at]
}

// valueEnd is the end of the value that starts at a place of valid JSON.
func valueEnd(raw []byte, at int) int {
	for depth := 0; ; at++ {
		switch raw[at] {
		case '"':
			at = textEnd(raw, at)
			if depth == 0 {
				return at + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return at + 1 + min(depth, 0) // below 0: the end of what holds a number or a word
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return at
			}
		}
	}
}

// textEnd is the place of the quote that ends the text which starts at a place.
func textEnd(raw []byte, at int) int {
	for at++; raw[at] != '"'; at++ {
		if raw[at] == '\\' {
			at++
		}
	}
	return at
}
