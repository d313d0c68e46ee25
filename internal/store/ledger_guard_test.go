package store_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/store"
)

// Each table of the ledger refuses what is not an append: heads move forward only, policies stay, and
// delegations follow the ledger.
func TestLedger_TablesRefuseAccidents(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		all := chainOf(t, s, acme, 3)
		recordDelegations(t, s, acme, 2)
		d := newDelegation("carol@example.com", "dave@example.com", 0, time.Hour)
		require.NoError(t, s.KeepDelegation(t.Context(), 4, d))
		policy := []byte("rules: []")
		sum := sha256.Sum256(policy)
		hash := hex.EncodeToString(sum[:])
		require.NoError(t, s.KeepPolicy(t.Context(), hash, "a", policy))
		refused := map[string][]string{
			"the head of the ledger only moves forward": {
				"UPDATE ledger_heads SET seq = 2, hash = '" + all[1].Hash + "'", // back
				"UPDATE ledger_heads SET seq = 99", "UPDATE ledger_heads SET hash = 'x'",
				"UPDATE ledger_heads SET console = 'other'",
				"INSERT INTO ledger_heads (console, seq, hash) VALUES ('other', 1, 'x')",
			},
			"delegation": {
				"UPDATE delegations SET until = 9999999999999999", "DELETE FROM delegations",
				"UPDATE delegations SET entry = 3", "UPDATE delegations SET delegate = 'eve@example.com', entry = 5",
				"INSERT INTO delegations (console, delegator, delegate, entry, since, until, doc) " +
					"VALUES ('" + acme + "', 'a', 'b', 1, 0, 9999999999999999, '{}')",
			},
			"ledger": {"DELETE FROM ledger_heads"},
			"polici": {"UPDATE policies SET body = 'x'", "DELETE FROM policies"},
		}
		if onPostgres(db) {
			refused["belongs to the ledger"] = []string{
				"TRUNCATE ledger_heads", "TRUNCATE policies", "TRUNCATE delegations", "TRUNCATE ledger, ledger_heads",
			}
		} else {
			refused["the head of the ledger only"] = []string{
				"REPLACE INTO ledger_heads (console, seq, hash) VALUES ('" + acme + "', 2, '" + all[1].Hash + "')",
			}
			// These do nothing, which is all that INSERT OR IGNORE may do.
			change(t, s, "REPLACE INTO policies (hash, name, at, body) VALUES ('"+hash+"', 'b', 0, x'00')")
			change(t, s, "REPLACE INTO delegations SELECT console, delegator, delegate, entry, 0, 9999999999999999, "+
				"'{}' FROM delegations")
		}
		for want, statements := range refused {
			for _, statement := range statements {
				_, err := s.DB().ExecContext(t.Context(), statement)
				require.Error(t, err, statement)
				require.Regexp(t, want+"|the ledger is append-only|belongs to the ledger", err.Error(), statement)
			}
		}
		name, text, err := s.PolicyOf(t.Context(), hash)
		require.NoError(t, err)
		require.Equal(t, "a", name)
		require.Equal(t, policy, text)
		got, err := s.Delegations(t.Context(), store.DelegationsQuery{Console: acme, At: began})
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, d.Until, got[0].Until)
		require.NoError(t, s.KeepDelegation(t.Context(), 5, d), "a later entry replaces it")
		require.NoError(t, s.KeepPolicy(t.Context(), hash, "b", policy))
		appendTo(t, s, acme, note("grant/9", "request", 1))
		require.Empty(t, verified(t, s, acme).Faults)
	})
}
