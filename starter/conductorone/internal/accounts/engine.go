package accounts

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/provision"
)

// Engine is [Requests] and [Updates] over Temporal: it waits in the places that grants wait in.
type Engine struct {
	Provision *provision.Engine
	Waiter    *provision.Waiter
	Console   string
	// Sign opens the signer of the requester, for each message anew; the engine closes it.
	Sign func(context.Context) (requestclient.Signer, error)
	// Store opens the database, to read.
	Store func(context.Context) (*store.Store, error)
}

var (
	_ Requests = Engine{}
	_ Updates  = Engine{}
)

// Await implements [Requests].
func (e Engine) Await(
	ctx context.Context, r requestclient.NewRequest, until func(wire.RequestStatus) bool,
) (requestrecord.Observation, ledger.Run, error) {
	ctx, stop := e.Waiter.Limit(ctx)
	defer stop()
	run, err := e.Provision.Begin(ctx, r)
	if err != nil {
		return requestrecord.Observation{}, ledger.Run{}, err
	}
	first, err := e.Provision.FirstRun(ctx, run)
	if err != nil {
		return requestrecord.Observation{}, ledger.Run{}, err
	}
	answer, err := e.Waiter.Follow(ctx, e.Provision, run, r.Type == wire.OffboardType, until)
	return answer.Observation, ledger.Run{Request: r.ID, ID: first}, err
}

// DryRun implements [Requests].
func (e Engine) DryRun(ctx context.Context, r requestclient.NewRequest) (access.Plan, error) {
	return e.Provision.DryRun(ctx, r)
}

// Last implements [Requests].
func (e Engine) Last(ctx context.Context, id string) (requestrecord.Observation, error) {
	conn, err := e.Provision.Connection(ctx)
	if err != nil {
		return requestrecord.Observation{}, err
	}
	seen, err := requestrecord.Observe(ctx, conn, temporalclient.Run{WorkflowID: id})
	if temporalclient.IsNotFound(err) {
		return requestrecord.Observation{}, nil
	}
	return seen, err
}

// Extend implements [Updates].
func (e Engine) Extend(ctx context.Context, typed string, in wire.ExtendInput) (string, wire.RequestAnswer, error) {
	return e.update(ctx, typed, wire.ExtendUpdate, in,
		func(ctx context.Context, by requestclient.Signer, s wire.RequestStatus) (any, error) {
			return by.SignExtension(ctx, s, in)
		})
}

// End implements [Updates].
func (e Engine) End(ctx context.Context, typed string, in wire.StopInput) (string, wire.RequestAnswer, error) {
	return e.update(ctx, typed, wire.EndUpdate, in,
		func(ctx context.Context, by requestclient.Signer, s wire.RequestStatus) (any, error) {
			return by.SignStop(ctx, wire.EndUpdate, s, in)
		})
}

// Cancel implements [Requests].
func (e Engine) Cancel(ctx context.Context, id, comment string) error {
	return e.Provision.Cancel(ctx, id, comment)
}

func (e Engine) update(
	ctx context.Context, typed, name string, payload wire.Limited,
	sign func(context.Context, requestclient.Signer, wire.RequestStatus) (any, error),
) (id string, answer wire.RequestAnswer, err error) {
	ctx, stop := e.Waiter.Limit(ctx)
	defer stop()
	c, err := e.Provision.Client(ctx)
	if err != nil {
		return "", answer, err
	}
	by, err := e.Sign(ctx)
	if err != nil {
		return "", answer, err
	}
	defer by.Close()
	u := requestclient.Update{
		Typed: typed, IDs: requestclient.Candidates(typed, wire.GrantID("")), Name: name, Payload: payload,
	}
	if by.HasKey() {
		u.Sign = func(ctx context.Context, s wire.RequestStatus) (any, error) { return sign(ctx, by, s) }
	}
	id, err = c.Update(ctx, u, &answer)
	return id, answer, err
}

// Decide implements [Updates].
func (e Engine) Decide(
	ctx context.Context, id, decision string, in wire.QuarantineDecision,
) (answer wire.QuarantineAnswer, err error) {
	ctx, stop := e.Waiter.Limit(ctx)
	defer stop()
	if err := in.Limits(); err != nil {
		return answer, err
	}
	conn, err := e.Provision.Connection(ctx)
	if err != nil {
		return answer, err
	}
	by, err := e.Sign(ctx)
	if err != nil {
		return answer, err
	}
	defer by.Close()
	if by.HasKey() {
		if in, err = signDecision(ctx, conn, by, id, decision, in); err != nil {
			return answer, err
		}
	}
	handle, err := conn.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: decision, WaitForStage: client.WorkflowUpdateStageCompleted, Args: []any{in},
	})
	if err == nil {
		err = handle.Get(ctx, &answer)
	}
	switch {
	case temporalclient.IsNotFound(err):
		return answer, errors.New("it has ended, or was never started")
	case err != nil:
		return answer, temporalclient.Cause("sync", conn.Explain(err))
	}
	return answer, nil
}

// signDecision signs the decision about the snapshot that the sync holds now.
func signDecision(
	ctx context.Context, conn *temporalclient.Connection, by requestclient.Signer, id, decision string,
	in wire.QuarantineDecision,
) (wire.QuarantineDecision, error) {
	s, err := conn.SyncStatus(ctx, temporalclient.Run{WorkflowID: id})
	if err != nil {
		return in, conn.Explain(err)
	}
	st, signature, err := by.Sign(ctx, signing.OfStop(id, s.Snapshot, access.Stop{
		Action: decision, By: in.By, Comment: in.Comment,
	}))
	if err == nil && signature != "" {
		in.Sign(signature, st.At)
	}
	return in, err
}

// Quarantined implements [Updates].
func (e Engine) Quarantined(ctx context.Context) ([]string, error) {
	db, err := e.Store(ctx)
	if err != nil {
		return nil, err
	}
	held, err := db.Quarantined(ctx, e.Console)
	if err != nil {
		return nil, fmt.Errorf("cannot list quarantined syncs: %w", err)
	}
	var ids []string
	for _, s := range held {
		if s.WorkflowID != "" && !slices.Contains(ids, s.WorkflowID) {
			ids = append(ids, s.WorkflowID)
		}
	}
	return ids, nil
}
