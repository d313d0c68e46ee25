package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/codec"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/version"
)

// undecodableMetric counts payloads that a worker could not decrypt. None is expected.
const undecodableMetric = "sentinelone_undecodable_payloads"

// blockUndecodable makes workflows wait for payloads that this worker cannot decrypt, and says so. Set
// options.MetricsHandler before.
func blockUndecodable(log *slog.Logger, options *client.Options) {
	metrics := options.MetricsHandler
	options.DataConverter = codec.Blocking(options.DataConverter, func(u codec.Undecodable) {
		log.Error("A payload cannot be decrypted: what needs it waits for the key", "workflow_id", u.WorkflowID,
			"run_id", u.RunID, "workflow_type", u.WorkflowType, "activity", u.Activity, "key", u.Err.KeyID,
			"error", u.Err, "runbook", "docs/runbook.md#a-payload-cannot-be-decrypted")
		if metrics != nil {
			metrics.WithTags(map[string]string{"workflow_type": u.WorkflowType}).Counter(undecodableMetric).Inc(1)
		}
	})
}

// checkPayloadKeys refuses to start with keys that cannot be right: one that is not the key that was
// known under its id, or without one that running requests may need. Those would wait for it. It
// stores a canary of each new key.
func checkPayloadKeys(ctx context.Context, log *slog.Logger, cfg config.Config, db *store.Store) error {
	file, err := codec.ReadKeyFile(cfg.Worker.KeysFile)
	if err != nil {
		return err
	}
	s1, err := cfg.Console.Client(version.UserAgent()) // for its name
	if err != nil {
		return err
	}
	console := s1.Console()
	known, err := db.PayloadKeys(ctx, console)
	if err != nil || len(known) == 0 && len(file.Keys) == 0 {
		return err
	}
	if err := requireSameKeys(file, known); err != nil {
		return err
	}
	if err := requireNeededKeys(ctx, log, db, console, file, known); err != nil {
		return err
	}
	kept := make([]store.PayloadKey, len(file.Keys))
	for i, k := range file.Keys {
		kept[i].ID = k.ID
		if kept[i].Canary, err = k.Canary(); err != nil {
			return err
		}
	}
	if err := db.KeepPayloadKeys(ctx, console, kept); err != nil {
		return err
	}
	// Another worker may have stored another key of that id meanwhile.
	if known, err = db.PayloadKeys(ctx, console); err != nil {
		return err
	}
	return requireSameKeys(file, known)
}

func requireSameKeys(file codec.KeyFile, known []store.PayloadKey) error {
	var faults []error
	for _, k := range file.Keys {
		i := slices.IndexFunc(known, func(p store.PayloadKey) bool { return p.ID == k.ID })
		if i >= 0 && !k.Opens(known[i].Canary) {
			faults = append(faults, fmt.Errorf("the file has another key under the id %q than workers had before, "+
				"with which running requests are encrypted: put that key back, and give the new one an id of its own",
				describe.Text(k.ID)))
		}
	}
	return errors.Join(faults...)
}

// requireNeededKeys fails for a key that is missing while requests run that it may have encrypted.
func requireNeededKeys(
	ctx context.Context, log *slog.Logger, db *store.Store, console string, file codec.KeyFile,
	known []store.PayloadKey,
) error {
	var missing []store.PayloadKey
	for _, p := range known {
		if !slices.ContainsFunc(file.Keys, func(k codec.Key) bool { return k.ID == p.ID }) {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	open, err := db.OpenRequests(ctx, console)
	if err != nil {
		return err
	}
	var faults []error
	for _, p := range missing {
		if slices.Contains(file.Lost, p.ID) {
			log.Warn("A payload key is given up: what it encrypted stays undecodable", "key", p.ID)
			continue
		}
		if waiting := begunBefore(open, p.Until); len(waiting) > 0 {
			faults = append(faults, fmt.Errorf("the key %q is missing, and %s may be encrypted with it: add its line "+
				"again. If none of them runs any more, or the key is lost, write the line %q",
				describe.Text(p.ID), named(waiting), describe.Text(p.ID)+":lost"))
		}
	}
	return errors.Join(faults...)
}

// begunBefore lists the requests that began until then; nil means now.
func begunBefore(open []store.OpenRequest, until *time.Time) (ids []string) {
	for _, r := range open {
		if until == nil || !r.Began.After(*until) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// named says how many requests there are and names some.
func named(ids []string) string {
	const some = 3
	names := strings.Join(ids[:min(some, len(ids))], ", ")
	switch {
	case len(ids) == 1:
		names = "the running request " + names
	case len(ids) <= some:
		names = fmt.Sprintf("%d running requests (%s)", len(ids), names)
	default:
		names = fmt.Sprintf("%d running requests (%s, …)", len(ids), names)
	}
	return describe.Text(names)
}
