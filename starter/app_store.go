package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
)

// openStore opens the database for reading. It creates nothing.
func (p *app) openStore(ctx context.Context) (*store.Store, error) {
	if err := p.cfg.Store.Validate(); err != nil {
		return nil, badConfiguration(err)
	}
	return store.OpenReader(ctx, p.cfg.Store.URL)
}

// openLedger opens the store for a console, of which there need be no sync. The caller
// closes it.
func (p *app) openLedger(ctx context.Context, flag string) (*store.Store, string, error) {
	db, err := p.openStore(ctx)
	if err != nil {
		return nil, "", err
	}
	host, err := p.chooseConsole(ctx, db, flag)
	if err != nil {
		_ = db.Close()
		return nil, "", err
	}
	return db, host, nil
}

// configuredConsole is the console that SENTINELONE_BASE_URL names, by host; ""
// if it is not set. No token is needed to know it.
func (p *app) configuredConsole() (string, error) {
	if p.cfg.Console.BaseURL == "" {
		return "", nil
	}
	u, err := console.ParseBaseURL(p.cfg.Console.BaseURL)
	if err != nil {
		return "", usage("SENTINELONE_BASE_URL: %w", err)
	}
	return u.Host, nil
}

// chooseConsole finds the console a question is about: the flag, else the
// environment, else the only one in the database.
func (p *app) chooseConsole(ctx context.Context, db *store.Store, flag string) (string, error) {
	if strings.Contains(flag, "://") {
		u, err := console.ParseBaseURL(flag)
		if err != nil {
			return "", usage("--console: %w", err)
		}
		return u.Host, nil
	}
	if flag != "" {
		return strings.ToLower(flag), nil
	}
	if host, err := p.configuredConsole(); err != nil || host != "" {
		return host, err
	}
	known, err := db.Consoles(ctx)
	switch {
	case err != nil:
		return "", err
	case len(known) == 1:
		return known[0], nil
	case len(known) == 0:
		return "", errors.New("the database is empty: run `starter sync --wait`")
	default:
		return "", usage("the database holds several consoles: pass --console with one of %s",
			strings.Join(known, ", "))
	}
}

// rest is the proven snapshot that an answer about principals rests on, and which
// principals no sync has verified, or an error that explains how to get one.
func rest(
	ctx context.Context, db *store.Store, host string, asOf *time.Time,
) (store.Snapshot, []access.Collection, error) {
	snapshot, unread, err := db.Provenance(ctx, host, asOf, access.Users, access.ServiceUsers)
	if !errors.Is(err, store.ErrNoSnapshot) {
		return snapshot, unread, err
	}
	return snapshot, nil, unanswerable(ctx, db, host, asOf)
}

// unanswerable explains how to get a verified snapshot where there is none.
func unanswerable(ctx context.Context, db *store.Store, host string, asOf *time.Time) error {
	if asOf != nil {
		if first, err := db.Latest(ctx, host, nil); err == nil {
			return fmt.Errorf("no sync of %s was verified by %s: the last one is of %s",
				host, describe.Minute(*asOf), describe.Minute(first.PromotedAt))
		}
	}
	known, err := db.Consoles(ctx)
	if err != nil {
		return err
	}
	hint := ""
	if len(known) > 0 {
		hint = "; the database holds " + strings.Join(known, ", ")
	}
	return fmt.Errorf("no verified sync of %s yet: run `starter sync --wait`%s", host, hint)
}
