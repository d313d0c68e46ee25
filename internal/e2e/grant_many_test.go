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
)

// Two hundred requests at once for twenty people, one of whom has thirty of them, while
// a hand gives the same people roles elsewhere and takes them: what is granted for good
// is there, what was for a time or revoked is not, nothing that others gave is lost, and
// everybody's roles were written by one at a time.
func TestGrant_TwoHundredAtOnceWithManualEdits(t *testing.T) {
	t.Parallel()
	s := prepareGrantEnv(t, newStack(t, consoletest.Options{Seed: 37, Sites: 40, Users: -1}))
	h := &manualEditor{grantEnv: s, recipients: map[string]*recipient{}}
	people := make([]*recipient, 20)
	for i := range people {
		people[i] = newRecipient(s, i, cmp.Or(map[int]int{0: 29}[i], 9))
		h.recipients["/users/"+people[i].user.ID] = people[i]
	}
	s.console.OnRequest(h.onRequest)
	s.startWorker()
	for _, p := range people {
		p.startAll()
	}
	n := 0
	for _, p := range people {
		n += p.requireDone()
	}
	require.Equal(t, 200, n)
	s.console.OnRequest(nil)
	for _, p := range people {
		require.Equal(t, p.expected(), p.holdings())
		require.Equal(t, 1, s.console.MaxConcurrentWrites(access.User, p.user.ID))
	}
	require.NoError(t, h.failed)
	require.Greater(t, h.edits, 100, "the hand was there")
	s.requireLedger()
}

// person is one of the principals with what is asked for it.
type recipient struct {
	*grantEnv

	number int
	soc    string
	admin  string
	requests   []expectedRequest
	manualRoles []access.HeldRole // what the hand means it to hold
	edits   int               // edits by hand so far
}

// ask is one request for a person.
type expectedRequest struct {
	state    string // it must end in
	holding  access.Holding
	duration string
	run      client.WorkflowRun
}

// Sites that are the same for everybody; those from ownSites on are for one request each.
const (
	sharedSite = 7 // two timed grants of one role overlap here
	editedSites  = 8 // and the next
	ownSites   = 10
)

func newRecipient(s *grantEnv, number, requests int) *recipient {
	truth := s.console.Truth()
	p := &recipient{number: number, soc: predefined(s.t, truth, "SOC").ID, admin: predefined(s.t, truth, "Admin").ID}
	at := func(role string, site int) access.Holding {
		return access.Holding{Level: access.SiteLevel, RoleID: role, ScopeID: truth.Sites[site].ID}
	}
	var revoked []access.Holding
	for i := range requests {
		own := ownSites + i
		switch i % 10 {
		case 0, 1, 2, 3:
			p.requests = append(p.requests, expectedRequest{state: "granted", holding: at(p.soc, own)})
		case 4, 5:
			long := fmt.Sprintf("%ds", i%10-2)
			p.requests = append(p.requests, expectedRequest{state: "expired", holding: at(p.soc, sharedSite), duration: long})
		case 6: // at a scope where another role is given for good
			p.requests = append(p.requests, expectedRequest{state: "expired", holding: at(p.admin, own-5), duration: "2s"})
		case 7:
			p.requests = append(p.requests, expectedRequest{state: "expired", holding: at(p.admin, own), duration: "1s"})
		default:
			p.requests = append(p.requests, expectedRequest{state: "revoked", holding: at(p.admin, own)})
			revoked = append(revoked, at(p.admin, own))
		}
	}
	p.grantEnv = s.withUser(fmt.Sprintf("person.%d@example.com", number), revoked...)
	return p
}

func (p *recipient) startAll() {
	for i := range p.requests {
		a := &p.requests[i]
		name := fmt.Sprintf("/%d/%d", p.number, i)
		if a.state == "revoked" {
			a.run = p.startRevoke(name, a.holding)
		} else {
			a.run = p.startGrant(name, p.inputFor(p.user, a.holding, a.duration))
		}
	}
}

// requireDone waits for everything that was asked and says how much that is.
func (p *recipient) requireDone() int {
	p.t.Helper()
	for _, a := range p.requests {
		got := p.result(a.run)
		require.Equal(p.t, a.state, got.State, got.Message)
		p.requireReceipt(got)
	}
	return len(p.requests)
}

// expected is what the person must hold in the end.
func (p *recipient) expected() access.Holdings {
	out := access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{heldRole(p.viewer)}}
	for _, a := range p.requests {
		if a.state == "granted" {
			out.Held = append(out.Held, heldRole(a.holding))
		}
	}
	out.Held = append(out.Held, p.manualRoles...)
	return out.Normal()
}

// hand is somebody who works in the console's own pages at the same time. The API has no
// compare-and-set, so whatever somebody else changes between a writer's read and its
// write is overwritten, and no client can tell: that is documented, and the hand keeps
// out of it. The one moment at which it is sure that the writer is not between the two is
// the first read after a write: the writer's read-back, or a plan before it. An edit made
// then shows in that read, and in all that come after it.
type manualEditor struct {
	*grantEnv

	mu     sync.Mutex // an edit ends before another read goes on
	recipients map[string]*recipient
	lastWrite  map[string]int // number of the latest write that no read has followed
	edits  int
	failed error
}

func (h *manualEditor) onRequest(q consoletest.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.recipients[q.Path]
	switch {
	case p == nil:
	case q.Method != http.MethodGet:
		if h.lastWrite == nil {
			h.lastWrite = map[string]int{}
		}
		h.lastWrite[q.Path] = q.Number
	case h.lastWrite[q.Path] > 0 && h.succeeded(h.lastWrite[q.Path]):
		delete(h.lastWrite, q.Path)
		h.edits++
		h.failed = errors.Join(h.failed, p.editByHand())
	}
}

// done says whether the console has carried a request out.
func (h *manualEditor) succeeded(number int) bool {
	return slices.ContainsFunc(h.console.Requests(), func(q consoletest.Request) bool {
		return q.Number == number && q.Status == http.StatusOK
	})
}

// edit gives a role at one of the hand's scopes, another in its place, or takes one.
func (p *recipient) editByHand() error {
	site := p.console.Truth().Sites[editedSites+p.edits/2%2].ID
	give := access.HeldRole{RoleID: []string{p.soc, p.admin}[p.edits%2], ScopeID: site}
	p.edits++
	if at := slices.IndexFunc(p.manualRoles, func(h access.HeldRole) bool { return h.ScopeID == site }); at >= 0 {
		was := p.manualRoles[at]
		p.manualRoles = slices.Delete(p.manualRoles, at, at+1)
		if p.edits%3 == 0 {
			return p.console.TakeRole(access.User, p.user.ID, access.SiteLevel, was)
		}
	}
	p.manualRoles = append(p.manualRoles, give)
	return p.console.GiveRole(access.User, p.user.ID, access.SiteLevel, give)
}
