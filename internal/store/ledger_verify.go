package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/ledger"
)

// VerifyLedger reads a console's chain from its first entry to its last and verifies it:
// see [ledger.Verifier].
//
// Faults are in the report. An error says that the ledger could not be read.
func (s *Store) VerifyLedger(ctx context.Context, console string) (ledger.Report, error) {
	return s.VerifyLedgerSince(ctx, console, ledger.Head{})
}

// VerifyLedgerSince also compares the chain with a head that was noted earlier, outside
// this database: the entry of that number must still be there and have that hash. Then
// nothing up to it has been rewritten. A zero head is not compared.
func (s *Store) VerifyLedgerSince(ctx context.Context, console string, noted ledger.Head) (ledger.Report, error) {
	return s.VerifyLedgerBy(ctx, console, ledger.VerifyOptions{Noted: []ledger.Head{noted}})
}

// VerifyLedgerBy verifies a console's chain with all that is known outside the database: see
// [ledger.VerifyOptions].
func (s *Store) VerifyLedgerBy(
	ctx context.Context, console string, o ledger.VerifyOptions,
) (ledger.Report, error) {
	v := ledger.NewVerifier(console, o)
	var report ledger.Report
	lists := namedLists{}
	err := s.read(ctx, func(q queryer) error {
		err := walk(ctx, q, console, func(e ledger.Entry) error {
			v.Add(e)
			lists.add(e)
			return nil
		})
		if err != nil {
			return err
		}
		var head ledger.Head
		err = q.QueryRowContext(ctx, "SELECT seq, hash FROM ledger_heads WHERE console = $1", console).
			Scan(&head.Seq, &head.Hash)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read the head of the ledger of %s: %w", console, err)
		}
		report = v.End(head)
		missing, err := lists.verify(ctx, s.d, q, console)
		report.Faults = append(report.Faults, missing...)
		return err
	})
	return report, err
}
