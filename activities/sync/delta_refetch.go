package sync

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
)

// usersAtOnce is how many users one request asks for: their ids must fit into a URL of 4 KB.
const usersAtOnce = 100

// refetch reads everyone who was touched, by id.
func (d *deltaRun) refetch(ctx context.Context) error {
	d.parts = map[access.Collection]store.DeltaPart{}
	if err := d.resolveNames(ctx, d.unnamed); err != nil {
		return err
	}
	if err := d.correctKinds(ctx); err != nil {
		return err
	}
	missing, err := d.refetchUsers(ctx, d.ids(access.User))
	if err != nil {
		return err
	}
	more, err := d.refetchServiceUsers(ctx, d.ids(access.ServiceUser))
	if err != nil {
		return err
	}
	return d.resolveStrangers(ctx, append(missing, more...))
}

// ids are those of the touched principals of one kind, sorted.
func (d *deltaRun) ids(kind access.Kind) []string {
	var out []string
	for who := range d.touched {
		if who.Kind == kind {
			out = append(out, who.ID)
		}
	}
	slices.Sort(out)
	return out
}

// correctKinds takes ids that activities about users name, but that are known as service users, for what they are.
func (d *deltaRun) correctKinds(ctx context.Context) error {
	host := d.s.console.Console()
	for _, kind := range []access.Kind{access.User, access.ServiceUser} {
		other := access.ServiceUser
		if kind == access.ServiceUser {
			other = access.User
		}
		strangers, err := d.s.store.UnknownIDs(ctx, host, collectionOf(kind), d.ids(kind))
		if err != nil {
			return err
		}
		if len(strangers) == 0 {
			continue
		}
		unknown, err := d.s.store.UnknownIDs(ctx, host, collectionOf(other), strangers)
		if err != nil {
			return err
		}
		for _, id := range strangers {
			if slices.Contains(unknown, id) {
				continue
			}
			who := store.PrincipalRef{Kind: kind, ID: id}
			t := d.touched[who]
			delete(d.touched, who)
			d.touch(store.PrincipalRef{Kind: other, ID: id}, t.entries...)
		}
	}
	return nil
}

func collectionOf(kind access.Kind) access.Collection { return access.Principal{Kind: kind}.In() }

// refetchUsers reads users in batches. One that a batch lacks is asked for alone: only that proves that it is gone.
func (d *deltaRun) refetchUsers(ctx context.Context, ids []string) (gone []store.PrincipalRef, err error) {
	for batch := range slices.Chunk(ids, usersAtOnce) {
		found, err := d.s.console.PrincipalsByID(ctx, access.User, batch)
		if err != nil {
			return nil, err
		}
		there := map[string]bool{}
		for _, p := range found {
			there[p.ID] = true
			if err := d.found(p); err != nil {
				return nil, err
			}
		}
		for _, id := range batch {
			if there[id] {
				continue
			}
			p, err := d.s.console.User(ctx, id)
			if gone, err = d.foundOrGone(gone, store.PrincipalRef{Kind: access.User, ID: id}, p, err); err != nil {
				return nil, err
			}
		}
	}
	return gone, nil
}

func (d *deltaRun) refetchServiceUsers(ctx context.Context, ids []string) (gone []store.PrincipalRef, err error) {
	for _, id := range ids {
		p, err := d.s.console.ServiceUser(ctx, id)
		if gone, err = d.foundOrGone(gone, store.PrincipalRef{Kind: access.ServiceUser, ID: id}, p, err); err != nil {
			return nil, err
		}
	}
	return gone, nil
}

func (d *deltaRun) foundOrGone(
	gone []store.PrincipalRef, who store.PrincipalRef, p access.Principal, err error,
) ([]store.PrincipalRef, error) {
	answer, ok := errors.AsType[*console.Error](err)
	switch {
	case err == nil:
		return gone, d.found(p)
	case ok && answer.Status == http.StatusNotFound && !answer.HTML:
		c := collectionOf(who.Kind)
		part := d.parts[c]
		part.Gone = append(part.Gone, who.ID)
		d.parts[c] = part
		return append(gone, who), nil
	}
	return gone, err
}

func (d *deltaRun) found(p access.Principal) error {
	c := p.In()
	part := d.parts[c]
	part.Entities = append(part.Entities, p)
	d.parts[c] = part
	if d.held += len(p.Held); d.held > mostHeld {
		return needsFull("the principals that have changed hold more than %d roles", mostHeld)
	}
	return nil
}

// resolveStrangers looks for whom activities mean whose id is no principal on the console and is unknown to the
// database: the id of somebody else, perhaps. By their names, they are found among those known.
func (d *deltaRun) resolveStrangers(ctx context.Context, gone []store.PrincipalRef) error {
	var entries []console.Activity
	for _, who := range gone {
		unknown, err := d.s.store.UnknownIDs(ctx, d.s.console.Console(), collectionOf(who.Kind), []string{who.ID})
		if err != nil {
			return err
		}
		if len(unknown) > 0 {
			entries = append(entries, d.touched[who].entries...)
		}
	}
	before := maps.Clone(d.touched)
	if err := d.resolveNames(ctx, entries); err != nil {
		return err
	}
	added := func(kind access.Kind) []string {
		return slices.DeleteFunc(d.ids(kind), func(id string) bool {
			_, known := before[store.PrincipalRef{Kind: kind, ID: id}]
			return known
		})
	}
	if _, err := d.refetchUsers(ctx, added(access.User)); err != nil {
		return err
	}
	_, err := d.refetchServiceUsers(ctx, added(access.ServiceUser))
	return err
}

// called is how an activity names a principal besides its id.
type called struct {
	noID            bool
	username, email string
}

// resolveNames touches those whom activities name without an id. A name that nobody known has needs a full sync, unless
// the console finds a user by the address, or says that there is none.
func (d *deltaRun) resolveNames(ctx context.Context, entries []console.Activity) error {
	for _, a := range entries {
		found, err := d.whoIs(ctx, a)
		if err != nil {
			return err
		}
		for _, who := range found {
			d.touch(who, a)
		}
		if len(d.touched) > mostTouched {
			return needsFull("more than %d principals have changed", mostTouched)
		}
	}
	return nil
}

// whoIs finds whom an activity names. Each name is looked up once.
func (d *deltaRun) whoIs(ctx context.Context, a console.Activity) ([]store.PrincipalRef, error) {
	name := called{a.UserID == "", a.Username, a.Email}
	found, known := d.named[name]
	if known {
		return found, nil
	}
	if len(d.named) == mostNamed {
		return nil, needsFull("the activity feed names more than %d principals without an id that is known", mostNamed)
	}
	found, err := d.s.named(ctx, a)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 && strings.Contains(a.Email, "@") {
		users, err := d.s.console.UsersByEmail(ctx, a.Email)
		if err != nil {
			return nil, err
		}
		for _, p := range users {
			found = append(found, store.PrincipalRef{Kind: access.User, ID: p.ID})
		}
	} else if len(found) == 0 && name.noID {
		return nil, needsFull("the activity feed names %s without an id, and no such principal is known",
			describe.Text(strconv.Quote(a.Username)))
	}
	d.named[name] = found
	return found, nil
}

// named finds whom an activity names in the database.
func (s *Activities) named(ctx context.Context, a console.Activity) ([]store.PrincipalRef, error) {
	if a.Email == "" && a.Username == "" {
		return nil, nil
	}
	return s.store.PrincipalsNamed(ctx, s.console.Console(), a.Email, a.Username)
}

// refetchLists reads accounts, sites and roles anew if the feed says that some have changed, or if somebody holds one
// that is not known.
func (d *deltaRun) refetchLists(ctx context.Context) error {
	held := d.heldIDs()
	for _, c := range []access.Collection{access.Accounts, access.Sites, access.Roles} {
		ids := slices.Sorted(maps.Keys(held[c]))
		if !d.events[c] && len(ids) > 0 {
			unknown, err := d.s.store.UnknownIDs(ctx, d.s.console.Console(), c, ids)
			if err != nil {
				return err
			}
			d.events[c] = len(unknown) > 0
		}
		if !d.events[c] {
			continue
		}
		entities, err := d.s.wholeList(ctx, c)
		if err != nil {
			return err
		}
		d.parts[c] = store.DeltaPart{Entities: entities, Complete: true}
	}
	return nil
}

// heldIDs are the ids of the roles, accounts and sites that the refetched principals hold and are at.
func (d *deltaRun) heldIDs() map[access.Collection]map[string]bool {
	out := map[access.Collection]map[string]bool{access.Accounts: {}, access.Sites: {}, access.Roles: {}}
	at := map[access.Level]map[string]bool{
		access.AccountLevel: out[access.Accounts], access.SiteLevel: out[access.Sites],
	}
	for _, part := range d.parts {
		for _, e := range part.Entities {
			p, _ := e.(access.Principal)
			for _, h := range p.Held {
				out[access.Roles][h.RoleID] = true
				if scopes := at[p.Level]; scopes != nil {
					scopes[h.ScopeID] = true
				}
			}
		}
	}
	return out
}

// mostListPages bounds the list that a delta sync reads whole, in pages.
const mostListPages = 50

// wholeList reads all rows of a collection. A list that does not have as many rows as the console counts needs a full
// sync, which can read it again.
func (s *Activities) wholeList(ctx context.Context, c access.Collection) ([]access.Entity, error) {
	var out []access.Entity
	ids := map[string]bool{}
	var o console.ListOptions
	for range mostListPages {
		got, err := s.readPage(ctx, c, o)
		if err != nil {
			return nil, err
		}
		for _, e := range got.entities {
			ids[e.Key()] = true
		}
		out = append(out, got.entities...)
		if o.Cursor = got.next; o.Cursor != "" {
			continue
		}
		if got.total == nil || *got.total != len(ids) {
			return nil, needsFull("%d different %s were received where the console counts %s", len(ids), c,
				countText(got.total))
		}
		return out, nil
	}
	return nil, needsFull("there are more than %d pages of %s", mostListPages, c)
}

func typesText(types []int) string {
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = strconv.Itoa(t)
	}
	return strings.Join(words, " or ")
}
