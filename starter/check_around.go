package main

import (
	"context"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
)

// The parts around the console, by the names check shows.
const (
	partTemporal = "Temporal"
	partWorker   = "worker"
	partDatabase = "database"
	partLedger   = "ledger"

	partSignatures = "signatures"
	partFreeze     = "giving access"
	partDrift      = "drift"
)

// finding is one line of a check.
type finding struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // what was found, or what is wrong and what to do
	// Fix is a command, or where to click in the console; "" if nothing is wrong.
	Fix string `json:"fix,omitempty"`

	untested bool
}

func untested(name string) finding { return finding{Name: name, Detail: "not tested", untested: true} }

func checkTemporal(ctx context.Context, a *app) []finding {
	e, err := a.connect(ctx)
	if err != nil {
		return []finding{{Name: partTemporal, Detail: err.Error(), Fix: fixTemporal(err)}, untested(partWorker)}
	}
	defer e.Close()
	temporal := finding{
		Name: partTemporal, OK: true,
		Detail: fmt.Sprintf("%s answers, namespace %q", e.Options.HostPort, e.Options.Namespace),
	}
	worker := finding{Name: partWorker, OK: true, Detail: fmt.Sprintf("polls task queue %q", e.TaskQueue)}
	if err := e.RequireWorker(ctx); err != nil {
		worker.OK, worker.Detail, worker.Fix = false, err.Error(), "worker"
	}
	return []finding{temporal, worker}
}

func checkDatabase(ctx context.Context, a *app, host string) finding {
	f := finding{Name: partDatabase}
	db, err := a.openStore(ctx)
	if err != nil {
		f.Detail, f.Fix = err.Error(), fixDatabase(err)
		return f
	}
	defer func() { _ = db.Close() }()
	last, err := db.Latest(ctx, host, nil)
	switch {
	case errors.Is(err, store.ErrNoSnapshot):
		f.OK, f.Detail = true, fmt.Sprintf("no verified sync of %s yet", host)
	case err != nil:
		f.Detail = err.Error()
	default:
		f.OK = true
		f.Detail = fmt.Sprintf("last verified sync %s (%s)",
			describe.Minute(last.PromotedAt), describe.Ago(last.PromotedAt, a.now()))
	}
	return f
}

// checkLedgerKey says whether the ledger is sealed, and with which key.
func checkLedgerKey(ctx context.Context, a *app, host string) finding {
	f := finding{Name: partLedger}
	db, err := a.openStore(ctx)
	if err != nil {
		return untested(partLedger)
	}
	defer func() { _ = db.Close() }()
	key, sealed, err := db.LedgerKey(ctx, host)
	switch {
	case err != nil:
		f.Detail = err.Error()
	case !sealed:
		f.Detail = config.Unsealed
		f.Fix = "ssh-keygen -t ed25519 -N '' -f ledger.key && export LEDGER_KEY_FILE=$PWD/ledger.key"
	default:
		f.OK, f.Detail = true, fmt.Sprintf("sealed with %s (%s)", key, key.Fingerprint())
	}
	return f
}

// checkSignatures says whether names are verified, by the environment of this command.
func checkSignatures(a *app) finding {
	f := finding{Name: partSignatures}
	signers, err := a.cfg.Signing.Signers()
	switch {
	case err != nil:
		f.Detail, f.Fix = err.Error(), "starter signers check"
	case signers == nil:
		f.Detail = a.cfg.Signing.Unverified()
		f.Fix = "starter signers add --file allowed_signers --by carol@example.com --key carol.pub && " +
			"export ALLOWED_SIGNERS=$PWD/allowed_signers"
	default:
		f.OK, f.Detail = true, "required, by the keys in "+a.cfg.Signing.Allowed
	}
	return f
}

// around joins what is wrong with the parts around the console.
func around(findings []finding) error {
	var faults []error
	for _, f := range findings {
		switch f.Name {
		case partTemporal, partWorker, partDatabase:
			if !f.OK && !f.untested {
				faults = append(faults, errors.New(f.Detail))
			}
		case partDrift:
			if !f.OK && !f.untested {
				faults = append(faults, errors.New("drift: "+f.Detail))
			}
		}
	}
	return errors.Join(faults...)
}
