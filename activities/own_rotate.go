package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/tokenfile"
	"sentinelone-provisioner/internal/wire"
)

// replaceOwn replaces the service user whose token the worker uses by a second one with the same roles. In each
// attempt that makes one, its token is tried, recorded by its digest, and written to the token file. The first one is
// deleted by an attempt that finds that digest in the file and has read the console with the token from there.
//
// So the file holds a token that works at any time, whatever answer is lost: a second service user that the file does
// not hold is deleted and made again, since the console shows a token once.
func (c *accountCreation) replaceOwn(ctx context.Context) (out wire.CreateResult, err error) {
	if err := c.own.Check(); err != nil {
		return c.refuseUnlessBegun(ctx, err)
	}
	unlock, err := c.own.File.Lock()
	if errors.Is(err, tokenfile.ErrLocked) {
		return out, errLockedElsewhere
	} else if err != nil {
		return c.refuseUnlessBegun(ctx, err)
	}
	defer unlock()
	of := c.in.Plan.Principal
	unlockPrincipal, err := c.lockPrincipal(ctx, ledger.Subject{Kind: of.Kind, ID: of.ID})
	if err != nil {
		return out, err
	}
	defer unlockPrincipal()
	if err := c.console.ReloadToken(); err != nil {
		return out, kinds.New(kinds.Unavailable, err)
	}
	d := c.successor()
	if d != nil && c.inFile(*d) {
		return c.retireOld(ctx, *d)
	}
	old, err := c.byID(ctx, of.ID)
	switch {
	case isNotFound(err) && d != nil && c.deletedOld(): // and someone has written another token since
		return c.retireOld(ctx, *d)
	case isNotFound(err) && d != nil && d.Digest != "": // it may be in use: its token was written to the file once
		return c.refuse(ctx, access.Principal{}, "service user %s is not on the console any more, or the token cannot "+
			"see it, and somebody has written another token than that of service user %s, which was to follow it: "+
			"delete in the console what is not in use", of.ID, d.ID)
	case isNotFound(err):
		if done, err := c.removeAbandoned(ctx); err != nil || done != nil {
			return valueOf(done), err
		}
		return c.refuse(ctx, access.Principal{}, "service user %s is not on the console any more, or the token cannot "+
			"see it: nothing is left to replace", of.ID)
	case err != nil:
		return out, c.retryable(err)
	}
	return c.makeSuccessor(ctx, old)
}

// deletedOld says whether a call to delete the first service user may have arrived.
func (c *accountCreation) deletedOld() bool {
	return slices.ContainsFunc(c.calls, func(d callAttempt) bool {
		return d.Action == ledger.DeleteAccount && d.ID == c.in.Plan.Principal.ID && !d.refused()
	})
}

// refuseUnlessBegun ends the request because of something that keeps the worker from replacing its token, and retries
// where the console may have been changed already.
func (c *accountCreation) refuseUnlessBegun(ctx context.Context, why error) (wire.CreateResult, error) {
	if len(c.calls) > 0 {
		return wire.CreateResult{}, kinds.New(kinds.Unavailable, why)
	}
	return c.refuse(ctx, access.Principal{}, "%s", why.Error())
}

// successor is the latest call that may have made the second service user, unless that was deleted since.
func (c *accountCreation) successor() *callAttempt {
	for i := len(c.calls) - 1; i >= 0; i-- {
		switch d := &c.calls[i]; {
		case d.Action == ledger.DeleteAccount && d.ID != c.in.Plan.Principal.ID:
			return nil
		case d.Action == ledger.CreateAccount && !d.refused():
			return d
		}
	}
	return nil
}

// inFile says whether the worker's token is that of the second service user that a call has made.
func (c *accountCreation) inFile(d callAttempt) bool {
	is, err := c.console.TokenDigest(c.digestPurpose(d.ID))
	return err == nil && d.Digest != "" && is == d.Digest
}

func (c *accountCreation) digestPurpose(id string) string { return c.key + "/" + id }

// makeSuccessor makes the second service user, once none is left that an earlier attempt has made.
func (c *accountCreation) makeSuccessor(ctx context.Context, old access.Principal) (wire.CreateResult, error) {
	if done, err := c.removeAbandoned(ctx); err != nil || done != nil {
		return valueOf(done), err
	}
	if why := c.successorRefusal(old); why != "" {
		return c.refuse(ctx, old, "%s", why)
	}
	is, err := tokenOwnership(ctx, c.console, old)
	switch {
	case err != nil:
		return wire.CreateResult{}, kinds.New(kinds.Unavailable, err)
	case is.against != "":
		return c.refuse(ctx, old, "%s", notOwnText(old.ID, is.against))
	}
	if err := c.own.File.Rewrite(); err != nil {
		return c.refuse(ctx, old, "%s", err.Error())
	}
	if done, err := c.authorize(ctx); err != nil || done != nil {
		return valueOf(done), err
	}
	return c.postSuccessor(ctx, old, is)
}

func (c *accountCreation) successorRefusal(old access.Principal) string {
	switch over := c.in.Plan.Rotation.Over(c.now()); {
	case over != "":
		return over
	case !old.Holdings().Equal(c.in.Plan.Before):
		return fmt.Sprintf("service user %s has other roles than when the request was planned, and the new one would "+
			"have them too: request the rotation again", old.ID)
	case c.lostSuccessors() >= maxCreations:
		return fmt.Sprintf("the second service user was made %d times, and its token was lost each time; all of them "+
			"are deleted, and service user %s is still in use: look at the worker's log, and request it again",
			maxCreations, old.ID)
	}
	return successorRefusal(old)
}

// lostSuccessors counts the second service users that were deleted, as their tokens were lost.
func (c *accountCreation) lostSuccessors() (n int) {
	for _, d := range c.calls {
		if d.Action == ledger.DeleteAccount && d.ID != c.in.Plan.Principal.ID && d.accepted() {
			n++
		}
	}
	return n
}

func notOwnText(id, against string) string {
	return fmt.Sprintf("the worker's own token is not that of service user %s: %s; name the one that the worker "+
		"uses, or leave --own out", id, against)
}

// removeAbandoned deletes the second service users that earlier attempts have made and whose tokens nobody has.
func (c *accountCreation) removeAbandoned(ctx context.Context) (done *wire.CreateResult, err error) {
	found, err := c.abandoned(ctx, "")
	if err != nil {
		return nil, err
	}
	d := c.successor()
	if len(found) > 0 && c.countCalls(ledger.CreateAccount) == 0 {
		out, err := c.refuse(ctx, access.Principal{}, "there is a service user of the new name already: %s; delete "+
			"it, and request the rotation again", namesOf(found))
		return &out, err
	}
	for _, p := range found {
		if err := c.remove(ctx, p.ID); isFinal(err) {
			out, err := c.refuse(ctx, p, "service user %s was made, its token is lost, and it cannot be deleted: %v; "+
				"delete it in the console; service user %s is still in use", p.ID, err, c.in.Plan.Principal.ID)
			return &out, err
		} else if err != nil {
			return nil, err
		}
	}
	if d != nil && len(found) == 0 && c.now().Before(d.visibleBy()) {
		return nil, errNotVisible
	}
	return nil, nil
}

// abandoned are the service users with the name of the second one, which follows from this request alone, except the
// one whose id is given.
func (c *accountCreation) abandoned(ctx context.Context, except string) (out []access.Principal, err error) {
	found, err := c.console.ServiceUsersByName(ctx, c.want.Name)
	if err != nil {
		return nil, c.retryable(err)
	}
	for _, p := range found {
		// One that looks the same is none of ours.
		if p.Name == c.want.Name && p.ID != except && p.ID != c.in.Plan.Principal.ID {
			out = append(out, p)
		}
	}
	c.recordRead(out...)
	return out, nil
}

// postSuccessor makes the second service user and has its token take the place of the first one's.
func (c *accountCreation) postSuccessor(
	ctx context.Context, old access.Principal, is ownership,
) (wire.CreateResult, error) {
	var (
		made  access.Principal
		token console.Secret
	)
	call := c.createCall("/service-users")
	call.Write.After = old.Holdings()
	said, err := c.recordAndSend(ctx, call, func(d *callAttempt) (err error) {
		made, token, err = c.console.CreateServiceUser(ctx, console.NewServiceUser{
			Name: c.want.Name, Description: c.want.Description, Roles: old.Holdings(),
			TokenExpiresAt: c.want.TokenExpiresAt,
		})
		d.ID = made.ID
		return err
	})
	switch {
	case err != nil:
		return wire.CreateResult{}, err
	case said != nil && isFinal(said) && c.calls[len(c.calls)-1].refused():
		return c.refuse(ctx, access.Principal{}, "the console did not make the second service user: %v", said)
	case said != nil:
		return wire.CreateResult{}, said
	}
	why, err := c.tryToken(ctx, made.ID, token, is)
	switch {
	case err != nil:
		return wire.CreateResult{}, err
	case why != "":
		return c.withdraw(ctx, made.ID, why)
	}
	return c.writeToken(ctx, made.ID, token)
}

// Tries of a new token, which a console may know a little later.
const (
	tokenTries    = 8
	firstTryPause = 250 * time.Millisecond
)

// tryToken reads the console with the new token. why says that it does not do what the old one does, or that nothing
// shows whose the old one is; an error is temporary.
func (c *accountCreation) tryToken(
	ctx context.Context, id string, token console.Secret, is ownership,
) (why string, err error) {
	other := c.console.WithToken(token)
	for n, pause := 1, firstTryPause; ; n, pause = n+1, 2*pause {
		why, err = c.readWith(ctx, other, id)
		if why == "" && err == nil {
			break
		}
		if n == tokenTries {
			return why, err
		}
		if err := c.pause(ctx, pause); err != nil {
			return "", err
		}
	}
	if is.told {
		return "", nil
	}
	creator, err := other.ServiceUserCreator(ctx, id)
	old := c.in.Plan.Principal.ID
	switch {
	case passes(err):
		return "", err
	case creator == old, creator == "" && is.shown:
		return "", nil
	case creator != "":
		return notOwnText(old, "what the worker makes was made by "+creator+", as the console says"), nil
	}
	return "the console does not tell whose token the worker uses: replace the token by hand in the console", nil
}

// readWith reads both service users with the new token.
func (c *accountCreation) readWith(ctx context.Context, with *console.Client, id string) (why string, err error) {
	for _, of := range []string{id, c.in.Plan.Principal.ID} {
		p, err := with.Principal(ctx, access.ServiceUser, of)
		switch {
		case isNotFound(err):
			return "the console does not show service user " + of + " to the new token", nil
		case err != nil && isFinal(err):
			return fmt.Sprintf("the console does not accept the new token: %v", err), nil
		case err != nil:
			return "", err
		case of == id && !p.Holdings().Equal(c.in.Plan.Before):
			return "the console shows other roles of the second service user than those of the first one", nil
		}
		c.recordRead(p)
	}
	return "", nil
}

// withdraw deletes the second service user, and ends the request. The first one stays in use.
func (c *accountCreation) withdraw(ctx context.Context, id, why string) (wire.CreateResult, error) {
	p := access.Principal{Kind: access.ServiceUser, ID: id, Name: c.want.Name}
	if err := c.remove(ctx, id); isFinal(err) {
		return c.refuse(ctx, p, "%s; the second service user %s cannot be deleted: %v; delete it in the console",
			why, id, err)
	} else if err != nil {
		return wire.CreateResult{}, err
	}
	return c.refuse(ctx, access.Principal{}, "%s; service user %s is still in use", why, c.in.Plan.Principal.ID)
}

// writeToken records which token the file gets, and then writes it.
func (c *accountCreation) writeToken(ctx context.Context, id string, token console.Secret) (wire.CreateResult, error) {
	last := len(c.calls) - 1
	d := &c.calls[last]
	d.ID, d.Digest = id, token.Digest(c.digestPurpose(id))
	d.TokenPlace = &access.TokenPlace{Sink: access.SinkOwnFile, ExpiresAt: c.want.TokenExpiresAt}
	detached, release := attempt.ForLastWrite(ctx) // else it would count as lost
	defer release()
	err := c.note(detached, c.entry(c.tokenKey(last), ledger.Token{ID: id, Place: *d.TokenPlace, Digest: d.Digest}))
	if err != nil {
		return wire.CreateResult{}, err
	}
	failed := c.own.File.Replace(token.Reveal())
	if err := c.console.ReloadToken(); err != nil {
		return wire.CreateResult{}, kinds.New(kinds.Unavailable, errors.Join(failed, err))
	}
	switch {
	case c.inFile(*d): // also where only the sync of its folder has failed
		return c.retireOld(ctx, *d)
	case failed != nil:
		return c.withdraw(ctx, id, failed.Error())
	}
	return wire.CreateResult{}, kinds.New(kinds.Unavailable, errors.New(
		"the token file holds another token than the one that was just written: something else writes it"))
}
