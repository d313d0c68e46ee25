package main

import (
	"context"
	"sync"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/store"
)

// liveStore is the store from which statuses are completed. It is opened when a status needs it
// first. An approver may have no access to it: then statuses stay as the workflow answers them.
type liveStore struct {
	app *app

	mu     sync.Mutex
	db     *store.Store
	err    error
	opened bool
}

// completer completes statuses from the store, where it can be read.
func (l *liveStore) completer() *livestatus.Completer {
	host, err := l.app.configuredConsole()
	if err != nil {
		host = "" // the command itself says what is wrong
	}
	return livestatus.NewCompleter(l.open, host, l.app.delegationChecks()...)
}

func (l *liveStore) open(ctx context.Context) (livestatus.Source, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.opened {
		l.db, l.err = l.app.openStore(ctx)
		l.opened = true
	}
	return l.db, l.err
}

func (l *liveStore) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.db != nil {
		_ = l.db.Close() // it was only read
	}
}

// delegationChecks verify the signature of a delegation, where this machine has the allowed
// signers. A decision is verified by the worker in any case.
func (p *app) delegationChecks() []func(access.Delegation) error {
	signers, err := p.cfg.Signing.Signers()
	if err != nil || signers == nil {
		return nil
	}
	return []func(access.Delegation) error{func(d access.Delegation) error {
		_, err := signers.VerifyDelegation(d)
		return err
	}}
}
