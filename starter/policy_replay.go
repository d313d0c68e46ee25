package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/timetext"
)

type policyTestCommand struct {
	*app

	since, console string
	all            bool
}

func newPolicyTestCommand(a *app) *cobra.Command {
	c := &policyTestCommand{app: a}
	cmd := &cobra.Command{
		Use:   "test [FILE]",
		Short: "List past requests that a policy would have ended differently",
		Long: `List the requests in the ledger that would have ended differently under a policy, had
everyone decided the same way. ` + policyFileHelp + `

A request is evaluated as it was planned: by the principal's roles, the requester and the time
of then. Whether a role is predefined, the names of roles and the account of a site come
from the last verified sync. Requests that the console refused whatever the policy, and
requests that cannot be compared, are only counted.`,
		Example: `  starter policy test policy.yaml
  starter policy test policy.yaml --since 30d --all -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error { return c.execute(ctx, args) }),
	}
	cmd.Flags().StringVar(&c.since, "since", "", "start of the period: "+timeHelp+" (default all)")
	cmd.Flags().BoolVar(&c.all, "all", false, "also list requests that would have ended the same")
	consoleFlag(cmd, &c.console)
	return cmd
}

// policyTestAnswer is the output for programs.
type policyTestAnswer struct {
	Console  string                `json:"console"`
	Policy   string                `json:"policy"`
	Hash     string                `json:"hash"`
	Requests int                   `json:"requests"` // replayed
	Differ   int                   `json:"differ"`
	Unclear  int                   `json:"unclear"`
	Results  []policy.ReplayResult `json:"results"` // those that differ; all with --all
}

func (c *policyTestCommand) execute(ctx context.Context, args []string) error {
	since, err := c.timeFlag("since", c.since, timetext.StartOfDay)
	if err != nil {
		return err
	}
	_, checked, err := c.policyOf(args)
	if err != nil {
		return err
	}
	db, err := c.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	host, err := c.chooseConsole(ctx, db, c.console)
	if err != nil {
		return err
	}
	known, err := c.knownPlaces(ctx, db, host)
	if err != nil {
		return err
	}
	pairs, err := db.Requests(ctx, store.RequestsQuery{Console: host, Since: since})
	if err != nil {
		return err
	}
	pairs = lastPlans(slices.DeleteFunc(pairs, requestrecord.NeverPlanned))
	answer := policyTestAnswer{
		Console: host, Policy: checked.Name(), Hash: checked.Hash(), Requests: len(pairs),
		Results: []policy.ReplayResult{},
	}
	for _, pair := range pairs {
		one, err := replay(checked, pair, known)
		if err != nil {
			return err
		}
		answer.add(one, c.all)
	}
	return c.showReplay(answer)
}

func (a *policyTestAnswer) add(one policy.ReplayResult, all bool) {
	if one.Differs {
		a.Differ++
	}
	if one.Unclear {
		a.Unclear++
	}
	if one.Differs || all {
		a.Results = append(a.Results, one)
	}
}

func (c *policyTestCommand) showReplay(a policyTestAnswer) error {
	if c.output.json {
		return c.emitJSON(a)
	}
	c.remark("%s, sha256 %s: of %s to %s %d would have ended differently; %d cannot be compared",
		a.Policy, a.Hash, describe.Plural(a.Requests, "request"), a.Console, a.Differ, a.Unclear)
	if len(a.Results) == 0 {
		return nil
	}
	rows := make([][]string, len(a.Results))
	for i, one := range a.Results {
		rows[i] = []string{one.Request, describe.Minute(one.At), one.Was, one.WouldBe, one.Why}
	}
	c.emitTable([]string{"request", "requested", "was", "would be", "why"}, rows)
	return nil
}

// knownScopes is what plans do not hold.
type knownScopes struct {
	names      map[string]string // of roles, by id
	predefined map[string]bool
	accounts   map[string]string // of sites
}

// knownPlaces reads them from the last verified sync. Without one a remark says which
// conditions cannot be evaluated.
func (c *policyTestCommand) knownPlaces(ctx context.Context, db *store.Store, host string) (knownScopes, error) {
	out := knownScopes{names: map[string]string{}, predefined: map[string]bool{}, accounts: map[string]string{}}
	roles, sites, err := db.RolesAndSites(ctx, host)
	if errors.Is(err, store.ErrNoSnapshot) {
		c.remark("no verified sync of %s: names of roles held, accounts of sites and which roles are predefined "+
			"are unknown", host)
		return out, nil
	}
	if err != nil {
		return out, err
	}
	for _, r := range roles {
		out.names[r.ID], out.predefined[r.ID] = r.Name, r.Predefined
	}
	for _, s := range sites {
		out.accounts[s.ID] = s.AccountID
	}
	return out, nil
}

// replay answers one request of the ledger anew.
func replay(checked *policy.Policy, pair store.LedgerPair, known knownScopes) (policy.ReplayResult, error) {
	past, err := policy.PastFromLedger(pair.Request, pair.Receipt)
	if err != nil {
		return policy.ReplayResult{}, err
	}
	q := past.Input()
	q.RoleNames, q.Role.Predefined = known.names, known.predefined[q.Role.ID]
	if q.Scope.Level == access.SiteLevel {
		q.Scope.Account = known.accounts[q.Scope.ID]
	}
	return checked.Replay(q, past), nil
}

// lastPlans leaves one pair of each request, that of its last plan: one whose principal
// has changed was planned several times.
func lastPlans(newestFirst []store.LedgerPair) []store.LedgerPair {
	seen, out := map[ledger.Run]bool{}, []store.LedgerPair{}
	for _, pair := range newestFirst {
		if run := ledger.RunOf(pair.Request); !seen[run] {
			seen[run] = true
			out = append(out, pair)
		}
	}
	return out
}
