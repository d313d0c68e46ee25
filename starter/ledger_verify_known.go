package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/textfile"
	"sentinelone-provisioner/internal/wire"
)

// sealingKeys are the keys that may have sealed the ledger: the one of --key, or that of the worker's
// file, if this user can read it.
func (c *ledgerVerifyCommand) sealingKeys() ([]ledger.SealPublic, error) {
	path, _ := c.cfg.Store.LedgerKeyFile()
	path = cmp.Or(c.key, path)
	if path == "" {
		return nil, nil
	}
	public, err := readSealKey(path)
	switch {
	case err != nil && c.key == "" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)):
		return nil, nil // it is the worker's
	case err != nil:
		return nil, usage("--key: %w", err)
	}
	return []ledger.SealPublic{public}, nil
}

// readSealKey reads the key of a ledger from a file with its public or its private half.
func readSealKey(path string) (ledger.SealPublic, error) {
	text, err := textfile.Read(path)
	if err != nil {
		return ledger.SealPublic{}, err
	}
	if public, err := ledger.ParseSealPublic(string(text)); err == nil {
		return public, nil
	}
	private, err := signing.LoadLedgerKey(path)
	if err != nil {
		return ledger.SealPublic{}, err
	}
	return private.Public(), nil
}

// newestResults is how many results of each type are read: the newest entries are in the newest.
const newestResults = 10

// headsInTemporal reads the heads that the newest results of requests and syncs carry. The error says
// why they cannot be read.
func (c *ledgerVerifyCommand) headsInTemporal(ctx context.Context, console string) ([]access.LedgerHead, error) {
	t, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	found := make([][]access.LedgerHead, len(headTypes))
	all, ctx := errgroup.WithContext(ctx)
	for i, typ := range headTypes {
		all.Go(func() (err error) {
			found[i], err = headsOfType(ctx, t, typ)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return nil, t.Explain(err)
	}
	var out []access.LedgerHead
	for _, heads := range found {
		for _, h := range heads {
			if h.Console == console {
				out = append(out, h)
			}
		}
	}
	return out, nil
}

var headTypes = []string{
	wire.GrantType, wire.RevokeType, wire.ProvisionUserType, wire.ProvisionServiceUserType, wire.OffboardType,
	wire.RotateTokenType,
	wire.SyncType,
}

func headsOfType(ctx context.Context, t *temporalClient, typ string) ([]access.LedgerHead, error) {
	ctx, cancel := context.WithTimeout(ctx, temporalclient.CallTimeout)
	defer cancel()
	listed, err := t.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: t.Options.Namespace, PageSize: newestResults,
		Query: fmt.Sprintf("ExecutionStatus = 'Completed' AND WorkflowType = '%s'", typ),
	})
	if err != nil {
		return nil, err
	}
	var out []access.LedgerHead
	for _, info := range listed.GetExecutions() {
		var result struct {
			LedgerHead *access.LedgerHead `json:"ledgerHead"`
			Receipt    *struct {
				LedgerHead *access.LedgerHead `json:"ledgerHead"`
			} `json:"receipt"`
		}
		run := temporalclient.RunOf(info)
		if err := t.GetWorkflow(ctx, run.WorkflowID, run.RunID).Get(ctx, &result); err != nil {
			return nil, err
		}
		if result.Receipt != nil {
			result.LedgerHead = cmp.Or(result.LedgerHead, result.Receipt.LedgerHead)
		}
		if result.LedgerHead != nil {
			out = append(out, *result.LedgerHead)
		}
	}
	return out, nil
}

// believed leaves out heads that the worker has not sealed, where its key is known: whoever can reach
// Temporal can start a workflow that returns any head.
func (c *ledgerVerifyCommand) believed(
	ctx context.Context, db *store.Store, console string, keys []ledger.SealPublic, heads []access.LedgerHead,
) ([]access.LedgerHead, error) {
	if len(keys) == 0 {
		return heads, nil
	}
	ring, err := db.LedgerKeyring(ctx, console, keys...)
	if err != nil {
		return nil, err
	}
	var out []access.LedgerHead
	for _, h := range heads {
		if ring.VerifyHead(h) == nil {
			out = append(out, h)
		} else if h.Sealed() {
			c.remark(
				"a result in Temporal names entry %d as the head, sealed with a key that is not the worker's: ignored",
				h.Seq)
		}
	}
	return out, nil
}

// verifyOptions is what the ledger is compared with.
func verifyOptions(noted ledger.Head, keys []ledger.SealPublic, heads []access.LedgerHead) ledger.VerifyOptions {
	out := ledger.VerifyOptions{Noted: []ledger.Head{noted}, Keys: keys, Check: signing.CheckEntry}
	for _, h := range heads {
		out.Noted = append(out.Noted, ledger.Head{Seq: h.Seq, Hash: h.Hash})
		if fingerprint, _, sealed := strings.Cut(h.Seal, " "); sealed {
			out.Fingerprints = append(out.Fingerprints, fingerprint)
		}
	}
	return out
}

// printSeal prints a command of the shell with which ssh-keygen verifies the newest seal.
func (c *ledgerVerifyCommand) printSeal(report ledger.Report) error {
	if report.Seals == nil {
		return errors.New("the ledger is not sealed: set LEDGER_KEY_FILE for the workers")
	}
	head := report.Seals.Newest
	key, err := ledger.ParseSealPublic(report.Seals.Key)
	if err != nil {
		return err
	}
	armored, err := key.Armor(head.Seal)
	if err != nil {
		return err
	}
	text := ledger.SealedText(head.Console, ledger.Head{Seq: head.Seq, Hash: head.Hash})
	_, err = fmt.Fprintf(c.out, `dir=$(mktemp -d)
echo 'ledger %s' > "$dir/signers"
cat > "$dir/seal" <<'END'
%sEND
cat > "$dir/text" <<'END'
%sEND
ssh-keygen -Y verify -f "$dir/signers" -I ledger -n %s -s "$dir/seal" < "$dir/text"
`, key, armored, text, ledger.SealNamespace)
	return err
}
