package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/applyfile"
	"sentinelone-provisioner/internal/requestclient"
)

type applyCommand struct {
	*app

	signOptions

	file, requester, batch string
	parallel               int
	dryRun, goOn           bool

	stdin io.Reader
}

func newApplyCommand(a *app) *cobra.Command {
	c := &applyCommand{app: a}
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Apply grants and revokes from a file",
		Long: `Apply the grants and revokes of a file. It is CSV with a header line, or JSON objects with
the same fields:

  ` + strings.Join(applyfile.Columns(), ",") + `

action is grant or revoke; kind is user or serviceUser; duration (4h, 7d) makes a grant
time-bound; breakGlass (yes or no) requests emergency access, reviewed afterwards. The scope of
a grant may be several of one level, with ; between them: that is one request. Optional are
kind (of an e-mail address), level, duration, reason, id and breakGlass. Every line is
checked before anything starts.

Each line is a request of its own. Its id is the line's, or else derived from its content, so
the same file can be run again after any failure: applied lines are skipped, open ones are
followed, refused and failed ones are retried. To request the same again, change the id, or
name the run with --batch.

Lines for one principal are applied in their order, others in parallel. Pending grants are
waited for. A time-bound grant counts as done once it is active. After the first failure no
more lines are started, unless --continue-on-error is given; open ones are finished. Ctrl-C
starts no more lines either. With -o json the command prints one object per line of the file,
as each is done. --dry-run plans each line by itself, against what the console holds now.`,
		Example: `  starter apply -f access.csv --dry-run
  starter apply -f access.csv --requester bob@example.com
  starter apply -f access.json --parallel 20 --continue-on-error -o json
  generate-access | starter apply -f - --batch 2026-03`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.run(func(ctx context.Context, _ []string) error {
		c.stdin = cmd.InOrStdin()
		return c.execute(ctx)
	})
	f := cmd.Flags()
	f.StringVarP(&c.file, "file", "f", "", "file with the changes; - for standard input")
	f.BoolVar(&c.dryRun, "dry-run", false, "print what each line would do, without changing anything")
	f.IntVar(&c.parallel, "parallel", 8, "number of lines to apply at once")
	f.BoolVar(&c.goOn, "continue-on-error", false, "continue after a line has failed")
	f.StringVar(&c.batch, "batch", "", "name of this run: the same line in another run is a new request")
	requesterFlag(cmd, &c.requester)
	c.flags(cmd)
	_ = cmd.MarkFlagRequired("file") // fails only if the flag does not exist
	return cmd
}

func (c *applyCommand) execute(ctx context.Context) error {
	changes, err := c.readChanges(ctx)
	if err != nil {
		return err
	}
	e, err := c.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	for _, change := range changes {
		if change.Inferred != "" {
			c.remark("line %d: %s", change.Line, change.Inferred)
		}
	}
	b := &batch{applyCommand: c, temporalClient: e, results: make([]*lineResult, len(changes))}
	if b.signer, err = c.newSigner(ctx, changes); err != nil {
		return err
	}
	defer b.signer.Close()
	if db, host, err := c.openLedger(ctx, ""); err == nil {
		defer func() { _ = db.Close() }()
		b.db, b.host = db, host
	}
	b.run(ctx, changes)
	return b.conclude(ctx, changes)
}

// newSigner is who signs the lines of a file: its key is opened once.
func (c *applyCommand) newSigner(ctx context.Context, changes []applyfile.Change) (requestclient.Signer, error) {
	if c.dryRun || len(changes) == 0 {
		return requestclient.Unsigned(c.now), nil
	}
	return c.openSigner(ctx, c.signOptions, changes[0].Want.Requester)
}

// readChanges reads and checks the whole file before any request starts.
func (c *applyCommand) readChanges(ctx context.Context) ([]applyfile.Change, error) {
	if c.parallel < 1 {
		return nil, usage("--parallel: %d is below 1", c.parallel)
	}
	who, err := requester(c.requester)
	if err != nil {
		return nil, err
	}
	console, err := c.configuredConsole()
	if err != nil {
		return nil, err
	}
	data, err := c.read()
	if err != nil {
		return nil, usage("--file: %w", err)
	}
	lines := applyfile.Reader{
		Scopes: c.directory(ctx), Requester: who, Console: console, Batch: c.batch, DryRun: c.dryRun,
	}
	changes, err := lines.Read(data)
	if err != nil {
		return nil, badConfiguration(err)
	}
	if len(changes) == 0 {
		return nil, usage("%s has no line but the header: nothing to do", c.file)
	}
	return changes, nil
}

func (c *applyCommand) read() ([]byte, error) {
	if c.file == "-" {
		data, err := io.ReadAll(c.stdin)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return data, nil
	}
	return os.ReadFile(c.file)
}
