package main

import (
	"context"
	"errors"
	"strings"

	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
)

// request starts a request, waits for it if requested, and prints its outcome.
func (p *app) request(ctx context.Context, o startRequest) error {
	if err := o.Input.Limits(); err != nil {
		return badConfiguration(err)
	}
	e, err := p.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	c := p.requestClient(e)
	if o.chosen {
		if err := c.RequireFree(ctx, o.ID); err != nil {
			return withHint(err)
		}
	}
	if o.dryRun {
		kind, _, _ := strings.Cut(o.ID, "/")
		o.ID, o.wait = kind+"/"+requestrecord.DryRunMark+requestclient.NewID(), true
	}
	if err := p.signOne(ctx, o); err != nil {
		return err
	}
	run, err := c.Start(ctx, o.NewRequest)
	if _, taken := errors.AsType[*requestclient.AlreadyStartedError](err); taken {
		return withHint(c.Taken(ctx, o.ID))
	}
	if err != nil {
		return err
	}
	if !o.dryRun {
		p.remark("requested: %s", o.ID)
	}
	if o.wait {
		return p.await(ctx, e, run, o)
	}
	if p.output.json {
		return p.emitJSON(run)
	}
	p.remark("look at it with `starter show %s`", requestclient.ShortID(o.ID))
	return nil
}

func (p *app) signOne(ctx context.Context, o startRequest) error {
	if o.dryRun {
		return nil
	}
	by, err := p.openSigner(ctx, o.sign, o.Input.Spec().Terms.Requester)
	if err != nil {
		return err
	}
	defer by.Close()
	return p.signRequest(ctx, by, o)
}
