package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

func newFreezeStatusCommand(a *app) *cobra.Command {
	var console string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show whether giving access is frozen",
		Long: `Show whether giving access is frozen, since when, by whom and why, and who wants to end it, from the
ledger. Signatures are verified with ALLOWED_SIGNERS; without it the keys are shown as recorded.
POLICY_FILE should be the worker's.`,
		Example: `  starter freeze status
  starter freeze status -o json | jq .frozen`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return a.freezeStatus(ctx, console) }),
	}
	consoleFlag(cmd, &console)
	return cmd
}

// freezeStatusAnswer is the output for programs.
type freezeStatusAnswer struct {
	Console string `json:"console"`
	access.FreezeState
}

func (p *app) freezeStatus(ctx context.Context, console string) error {
	db, host, err := p.openLedger(ctx, console)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	state, err := p.frozen(ctx, db, host)
	if err != nil {
		return err
	}
	if p.output.json {
		return p.emitJSON(freezeStatusAnswer{Console: host, FreezeState: state})
	}
	if !state.Frozen {
		p.emitTable(nil, [][]string{{"console", host}, {"giving access", "not frozen"}})
		return nil
	}
	rows := [][]string{
		{"console", host},
		{"giving access", "frozen"},
		{"since", describe.Second(state.Since)},
		{"by", state.By + " (" + state.Signed + ")"},
		{"reason", state.Reason},
	}
	if len(state.Unfreezing) > 0 {
		by := strings.Join(state.Unfreezing, ", ")
		rows = append(rows, []string{"unfreeze", "by " + by + ", pending " + state.Pending})
	}
	for _, why := range state.Doubts {
		rows = append(rows, []string{"does not count", why})
	}
	p.emitTable(nil, rows)
	return nil
}

// frozen says whether giving access is frozen, as the worker judges it if it has the same
// policy and keys.
func (p *app) frozen(ctx context.Context, db *store.Store, host string) (access.FreezeState, error) {
	rules := authority.FreezeRules{Console: host, Recorded: true}
	var err error
	if rules.Policy, err = p.cfg.Worker.LoadPolicy(); err != nil {
		return access.FreezeState{}, badConfiguration(err)
	}
	if rules.Signers, err = p.cfg.Signing.Signers(); err != nil {
		return access.FreezeState{}, badConfiguration(err)
	}
	entries, err := db.LedgerOfSubject(ctx, host, ledger.FreezeSubject, 0)
	if err != nil {
		return access.FreezeState{}, err
	}
	return authority.FrozenBy(entries, rules)
}

// checkFreeze says whether giving access is frozen. A freeze is no fault of the set-up.
func checkFreeze(ctx context.Context, a *app, host string) finding {
	f := finding{Name: partFreeze}
	db, err := a.openStore(ctx)
	if err != nil {
		return untested(partFreeze)
	}
	defer func() { _ = db.Close() }()
	state, err := a.frozen(ctx, db, host)
	switch {
	case err != nil:
		f.Detail = err.Error()
	case state.Frozen:
		f.OK, f.Detail = true, frozenText(state)+": `starter unfreeze` ends it"
	default:
		f.OK, f.Detail = true, "not frozen"
	}
	return f
}

// remarkFrozen prints that giving access is frozen. Where that cannot be known, it says why.
func (p *app) remarkFrozen(ctx context.Context, db *store.Store, host string) *access.FreezeState {
	state, err := p.frozen(ctx, db, host)
	switch {
	case err != nil:
		p.remark("note: whether giving access is frozen is unknown: %v", err)
		return nil
	case !state.Frozen:
		return nil
	}
	p.remark("note: %s: `starter unfreeze` ends it", frozenText(state))
	return &state
}
