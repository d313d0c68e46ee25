package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed/grantworld"
)

// 200 requests at once for 20 users, one of whom has 29 of them, while somebody edits other
// roles of the same users by hand. Permanent grants are on the console in the end; timed
// ones and revoked ones are not; no edit by hand is lost; and no user's roles were written
// by two requests at a time.
func TestGrant_TwoHundredAtOnceWithManualEdits(t *testing.T) {
	t.Parallel()
	s := prepareGrantEnv(t, newStack(t, consoletest.Options{Seed: 37, Sites: 40, Users: -1}))
	editor := &manualEditor{grantEnv: s, recipients: map[string]*recipient{}, lastWrite: map[string]int{}}
	recipients := make([]*recipient, 20)
	for i := range recipients {
		recipients[i] = newRecipient(s, i, cmp.Or(map[int]int{0: 29}[i], 9))
		editor.recipients["/users/"+recipients[i].user.ID] = recipients[i]
	}
	s.console.OnRequest(editor.onRequest)
	s.startWorker()
	for _, p := range recipients {
		p.startAll()
	}
	n := 0
	for _, p := range recipients {
		n += p.requireAllEnded()
	}
	require.Equal(t, 200, n)
	s.console.OnRequest(nil)
	for _, p := range recipients {
		require.Equal(t, p.expectedHoldings(), p.holdings())
		require.Equal(t, 1, s.console.MaxConcurrentWrites(access.User, p.user.ID))
	}
	require.NoError(t, editor.failed)
	require.Greater(t, editor.edits, 100, "there were edits by hand")
	s.requireLedger()
}

// recipient is one of the users, with the requests for it.
type recipient struct {
	*grantEnv

	number      int
	requests    []expectedRequest
	manualRoles []access.HeldRole // what the edits by hand have left
	edits       int               // by hand, so far
}

// expectedRequest is a request with the state in which it must end.
type expectedRequest struct {
	state    string
	holding  access.Holding
	duration string
	run      client.WorkflowRun
}

// Sites by their number. Those from ownSites on are for one request of a recipient each.
const (
	sharedSite  = 7 // two timed grants of one role overlap here
	editedSites = 8 // this one and the next are edited by hand
	ownSites    = 10
)

func newRecipient(s *grantEnv, number, requests int) *recipient {
	p := &recipient{number: number}
	soc := func(site int) access.Holding { return s.world.AtSite("SOC", site) }
	admin := func(site int) access.Holding { return s.world.AtSite("Admin", site) }
	expect := func(state string, h access.Holding, duration string) {
		p.requests = append(p.requests, expectedRequest{state: state, holding: h, duration: duration})
	}
	var held []access.Holding // to be revoked
	for i := range requests {
		own := ownSites + i
		switch i % 10 {
		case 0, 1, 2, 3:
			expect("granted", soc(own), "")
		case 4, 5:
			expect("expired", soc(sharedSite), fmt.Sprintf("%ds", i%10-2))
		case 6: // at a site where another role is granted permanently
			expect("expired", admin(own-5), "2s")
		case 7:
			expect("expired", admin(own), "1s")
		default:
			expect("revoked", admin(own), "")
			held = append(held, admin(own))
		}
	}
	p.grantEnv = s.withUser(fmt.Sprintf("person.%d@example.com", number), held...)
	return p
}

func (p *recipient) startAll() {
	for i := range p.requests {
		r := &p.requests[i]
		name := fmt.Sprintf("/%d/%d", p.number, i)
		if r.state == "revoked" {
			r.run = p.startRevoke(name, r.holding)
		} else {
			r.run = p.startGrant(name, p.inputFor(p.user, r.holding, r.duration))
		}
	}
}

// requireAllEnded waits for the end of each request, and returns how many there are.
func (p *recipient) requireAllEnded() int {
	p.t.Helper()
	for _, r := range p.requests {
		got := p.result(r.run)
		p.requireEnded(r.state, got, r.run)
		p.requireReceipt(got)
	}
	return len(p.requests)
}

// expectedHoldings are what the recipient must hold in the end.
func (p *recipient) expectedHoldings() access.Holdings {
	out := access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{grantworld.Role(p.viewer)}}
	for _, r := range p.requests {
		if r.state == "granted" {
			out.Held = append(out.Held, grantworld.Role(r.holding))
		}
	}
	out.Held = append(out.Held, p.manualRoles...)
	return out.Normal()
}

// manualEditor edits roles in the console's own pages while our requests run. The API has
// no compare-and-set: what is edited between a writer's read and its write is overwritten,
// and no client can tell. That is documented, so this editor avoids it. It edits at the
// first read after a write, which is the writer's read-back or a plan before it: no write
// is under way then. That read and all later ones show the edit.
type manualEditor struct {
	*grantEnv

	mu         sync.Mutex // held during an edit, so that other reads wait for its end
	recipients map[string]*recipient
	lastWrite  map[string]int // by path: the number of the latest write that no read has followed
	edits      int
	failed     error
}

func (m *manualEditor) onRequest(q consoletest.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.recipients[q.Path]
	switch {
	case p == nil:
	case q.Method != http.MethodGet:
		m.lastWrite[q.Path] = q.Number
	case m.lastWrite[q.Path] > 0 && m.succeeded(m.lastWrite[q.Path]):
		delete(m.lastWrite, q.Path)
		m.edits++
		m.failed = errors.Join(m.failed, p.editByHand())
	}
}

// succeeded says whether the console has answered a request with 200.
func (m *manualEditor) succeeded(number int) bool {
	return slices.ContainsFunc(m.console.Requests(), func(q consoletest.Request) bool {
		return q.Number == number && q.Status == http.StatusOK
	})
}

// editByHand adds a role at one of the edited sites, replaces one there, or removes it.
func (p *recipient) editByHand() error {
	role := p.world.AtSite([]string{"SOC", "Admin"}[p.edits%2], editedSites+p.edits/2%2)
	p.edits++
	at := slices.IndexFunc(p.manualRoles, func(h access.HeldRole) bool { return h.ScopeID == role.ScopeID })
	if at >= 0 {
		was := p.manualRoles[at]
		p.manualRoles = slices.Delete(p.manualRoles, at, at+1)
		if p.edits%3 == 0 {
			return p.console.TakeRole(access.User, p.user.ID, access.SiteLevel, was)
		}
	}
	p.manualRoles = append(p.manualRoles, grantworld.Role(role))
	return p.console.GiveRole(access.User, p.user.ID, access.SiteLevel, grantworld.Role(role))
}
