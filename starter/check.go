package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/inspect"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/version"
)

type checkCommand struct {
	*app

	strict bool
}

func newCheckCommand(a *app) *cobra.Command {
	c := &checkCommand{app: a}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check that everything is set up",
		Long: `Check that everything is set up: whether the console answers and accepts the token, when
the token expires, whether its role has each permission that a sync needs; whether
Temporal answers, a worker is running, what the database holds, with which key the ledger is
sealed, whether names are verified by signatures (ALLOWED_SIGNERS of this command, which should be the worker's),
through which proxy and with whose CA certificates the console is reached, whether each file that
a setting names can be read, and by whom it must not be,
whether giving access is frozen (` + "`starter freeze`" + `), and whether the ledger explains every assignment.
Permission to change roles cannot be tested without changing something, so it is not tested.

The command changes nothing and needs nothing to be running: it tests each part by itself.
Each fault comes with a command, or with where to click in the console, that repairs it.
The exit code depends on the console alone, so that a token can be checked before the rest
is set up; with --strict it depends on Temporal, the worker, the database and on drift too
(see ` + "`starter drift`" + `). A setting that no part could work with is exit code 2.`,
		Example: `  starter check
  starter check --strict -o json`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().BoolVar(&c.strict, "strict", false,
		"also fail if Temporal, the worker or the database is missing, or if there is drift")
	return cmd
}

// checkAnswer is the output for programs.
type checkAnswer struct {
	OK             bool              `json:"ok"`
	Console        string            `json:"console"`
	Version        string            `json:"version,omitempty"`
	TokenExpiresAt *time.Time        `json:"tokenExpiresAt"`
	Permissions    []permissionState `json:"permissions"`
	Checks         []finding         `json:"checks"`
	Warnings       []string          `json:"warnings"`
}

type permissionState struct {
	Name       string            `json:"name"`
	Collection access.Collection `json:"collection"`
	Granted    bool              `json:"granted"`
	Total      *int              `json:"total"` // rows by the console's count
}

func (c *checkCommand) execute(ctx context.Context) error {
	if err := c.cfg.Console.Validate(); err != nil {
		return badConfiguration(err)
	}
	api, err := c.cfg.Console.Client(version.UserAgent())
	if err != nil {
		return badConfiguration(err)
	}
	report := inspect.Run(ctx, api, access.Collections(), c.now())
	findings := append(consoleFindings(report, c.cfg.Console.BaseURL, c.now()), checkTemporal(ctx, c.app)...)
	findings = append(findings, checkDatabase(ctx, c.app, report.Console),
		checkLedgerKey(ctx, c.app, report.Console), checkSignatures(c.app),
		checkFreeze(ctx, c.app, report.Console), checkDrift(ctx, c.app, report.Console), checkNetwork(c.app))
	files := checkFiles()
	report.Warnings = append(report.Warnings, slices.Concat(store.FileNotes(c.cfg.Store.URL), c.cfg.WritableNotes())...)
	err = report.Err()
	if faults := c.configuration(); faults != nil {
		err = errors.Join(badConfiguration(faults), err)
	}
	if c.strict {
		err = errors.Join(err, around(findings))
	}
	if c.output.json {
		return errors.Join(c.emitJSON(answerOf(report, append(findings, files...), err == nil)), err)
	}
	c.emitTable([]string{"", "check", "result"}, findingRows(findings))
	if len(files) > 0 {
		writef(c.out, "\n")
		c.emitTable([]string{"", "file", "result"}, findingRows(files))
	}
	c.printFixes(append(findings, files...))
	for _, w := range report.Warnings {
		c.remark("warning: %s", w)
	}
	c.remark("note: %s", writeNote)
	return err
}

// writeNote states what a check cannot verify.
const writeNote = "to grant and revoke, the token's role also needs Users.edit and Service Users.edit, which cannot " +
	"be tested without changing something; without them a grant ends refused and a revoke waits, with the " +
	"reason in its message"

// consoleFindings lists the answers of the console, in the order of its setup.
func consoleFindings(r inspect.Report, base string, now time.Time) []finding {
	reach, token := finding{Name: "console", OK: true, Detail: r.Console}, finding{Name: "API token", OK: true}
	refused, err := false, r.Err()
	if answer, ok := errors.AsType[*console.Error](err); ok {
		refused = answer.Status == http.StatusUnauthorized
	}
	switch {
	case r.Reached() && r.System.Version != "":
		reach.Detail = fmt.Sprintf("%s answers, version %s", r.Console, r.System.Version)
	case refused:
		reach.Detail = r.Console + " answers"
	case !r.Reached() && len(r.Permissions) == 0:
		reach.OK, reach.Detail, reach.Fix = false, err.Error(), fixReach(base, err)
	}
	switch {
	case refused:
		token.OK, token.Detail, token.Fix = false, err.Error(), fixToken
	case !reach.OK:
		token = untested(token.Name)
	case r.TokenExpiresAt != nil:
		token.Detail = fmt.Sprintf("%s, on %s",
			inspect.Expiry(*r.TokenExpiresAt, now), describe.Minute(*r.TokenExpiresAt))
	default:
		token.Detail = "accepted; the console does not say when it expires"
	}
	return append([]finding{reach, token}, permissionFindings(r)...)
}

func permissionFindings(r inspect.Report) []finding {
	if len(r.Permissions) == 0 {
		var none []finding
		for _, c := range access.Collections() {
			none = append(none, untested(console.Permission(c)))
		}
		return none
	}
	var all []finding
	for _, perm := range r.Permissions {
		f := finding{Name: perm.Name, OK: perm.Granted, Detail: string(perm.Collection)}
		switch {
		case perm.Err != nil:
			f.Detail, f.Fix = perm.Err.Error(), fixPermission(perm.Name, perm.Err)
		case perm.Total != nil:
			f.Detail = describe.Plural(*perm.Total, "row")
		}
		all = append(all, f)
	}
	return all
}

func findingRows(findings []finding) [][]string {
	rows := make([][]string, len(findings))
	for i, f := range findings {
		mark := "✗"
		switch {
		case f.OK:
			mark = "✓"
		case f.untested:
			mark = "–"
		}
		rows[i] = []string{mark, f.Name, f.Detail}
	}
	return rows
}

func answerOf(r inspect.Report, findings []finding, ok bool) checkAnswer {
	a := checkAnswer{
		OK: ok, Console: r.Console, Version: r.System.Version, TokenExpiresAt: r.TokenExpiresAt,
		Permissions: []permissionState{}, Checks: findings, Warnings: orEmpty(r.Warnings),
	}
	for _, perm := range r.Permissions {
		a.Permissions = append(a.Permissions, permissionState{
			Name: perm.Name, Collection: perm.Collection, Granted: perm.Granted, Total: perm.Total,
		})
	}
	return a
}
