package signed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
)

// Checker verifies the signatures of one console's people.
type Checker struct {
	Signers *signing.AllowedSigners // nil: names are taken as claimed
	Store   *store.Store
	Console string // host and port, if any
}

// Message is a statement that came with a signature.
type Message struct {
	signing.Statement

	Signature string
	At        time.Time // when it was accepted, by Temporal's clock
	Use       string    // ledger key of what it is for
	OldUse    string    // the key that versions up to 0.4.0 would have given it; "" if the same
}

// Verify returns the key that signed a message, or why the signature does not count. A
// signature counts once. It fails only if that cannot be told now.
func (c Checker) Verify(ctx context.Context, request string, m Message) (fingerprint, refusal string, err error) {
	if err := m.CheckAge(m.At); err != nil {
		return "", fmt.Sprint(err), nil
	}
	verified, err := c.Signers.Verify(m.Statement, m.Signature, m.At)
	if _, unreadable := errors.AsType[*signing.FileError](err); unreadable {
		return "", "", fmt.Errorf("cannot check the signature on %s: %w", request, err)
	}
	if err != nil {
		return "", fmt.Sprintf("invalid signature: %v", err), nil
	}
	refusal, err = c.use(ctx, request, m, verified.Fingerprint)
	if err != nil || refusal != "" {
		return "", refusal, err
	}
	return verified.Fingerprint, "", nil
}

// use marks a signature as used, and returns what it was used for before, if it was: it may
// be a replay. It compares statements, since some kinds of keys have many signatures for
// one. Repeating the call for the same use returns the first answer.
func (c Checker) use(ctx context.Context, request string, m Message, fingerprint string) (string, error) {
	text := m.Canonical()
	entries, err := c.Store.Append(ctx, c.Console, ledger.NewEntry{
		Request: request, Key: ledger.SignatureKey(text), At: m.At,
		Body: ledger.Signature{UsedFor: m.Use, Statement: string(text), Signed: fingerprint},
	})
	if err != nil {
		return "", fmt.Errorf("cannot record the use of the signature on %s: %w", request, err)
	}
	first, err := ledger.DecodeAs[ledger.Signature](entries[0])
	if err != nil || first.UsedFor == m.Use || m.OldUse != "" && first.UsedFor == m.OldUse {
		return "", err
	}
	return fmt.Sprintf("the signature was already used at %s for %s: sign again",
		entries[0].At.UTC().Format(time.RFC3339), first.UsedFor), nil
}

// Required says whether what people send to a run must be signed: the worker has allowed
// signers, or had them when the run began. In the second case, without signers, it fails: the
// run waits, and is not continued on claims.
func (c Checker) Required(ctx context.Context, run ledger.Run) (bool, error) {
	if c.Signers != nil {
		return true, nil
	}
	began, err := c.First(ctx, run)
	if err != nil || !began.SignaturesRequired {
		return false, err
	}
	return false, kinds.New(kinds.Unavailable, fmt.Errorf(
		"signatures are required on %s since it began, and this worker has no allowed signers: set ALLOWED_SIGNERS",
		run.Request))
}

// First is the first entry of a run: the request with its first plan. It is zero where the
// run has none, as before it is planned.
func (c Checker) First(ctx context.Context, run ledger.Run) (ledger.Request, error) {
	entry, err := c.Store.LedgerEntryByKey(ctx, c.Console, run.RequestKey(0))
	switch {
	case errors.Is(err, store.ErrNoEntry):
		return ledger.Request{}, nil
	case err != nil:
		return ledger.Request{}, err
	}
	return ledger.DecodeAs[ledger.Request](entry)
}
