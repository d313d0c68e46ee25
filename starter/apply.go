package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

type applyOptions struct {
	signOptions

	file, requester, batch string
	parallel               int
	dryRun, goOn           bool

	stdin io.Reader
}

func (p *app) applyCommand() *cobra.Command {
	var o applyOptions
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Grants and revokes from a file",
		Long: `Carry out the grants and revokes of a file. It is CSV with a header line, or JSON objects
of the same fields:

  ` + strings.Join(fileColumns, ",") + `

action is grant or revoke; kind is user or serviceUser; duration (4h, 7d) makes a grant one
for a time; breakGlass (yes or no) makes it start at once, where the policy lets it, to be
reviewed afterwards; kind of an e-mail address, level, duration, reason, id and breakGlass
may be left out. Every line is checked before anything starts.

Each line is a request of its own, whose id is the line's, or else follows from what the
line says. So the same file can be run again after whatever happened: what was done is
recognised, what is under way is waited for, and what was refused or failed is tried again.
To ask for the same once more, change the id, or name the run with --batch.

Lines about one principal are carried out in their order, others side by side. A grant that
waits for somebody's consent is waited for. One for a time counts as done when it is in force.
At the first failure nothing more is started, unless --continue-on-error is given; what is
under way is finished. Ctrl-C starts nothing more either. Programs get one JSON object a line,
as each is done. --dry-run plans each line by itself, on what the console holds now.`,
		Example: `  starter apply -f access.csv --dry-run
  starter apply -f access.csv --requester bob@example.com
  starter apply -f access.json --parallel 20 --continue-on-error -o json
  generate-access | starter apply -f - --batch 2026-03`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = p.run(func(ctx context.Context, _ []string) error {
		o.stdin = cmd.InOrStdin()
		return p.apply(ctx, o)
	})
	f := cmd.Flags()
	f.StringVarP(&o.file, "file", "f", "", "file to carry out; - for standard input")
	f.BoolVar(&o.dryRun, "dry-run", false, "print what each line would do, and change nothing")
	f.IntVar(&o.parallel, "parallel", 8, "how many lines at once")
	f.BoolVar(&o.goOn, "continue-on-error", false, "carry out the rest although some line failed")
	f.StringVar(&o.batch, "batch", "", "name of this run: the same line under another name is a new request")
	requesterFlag(cmd, &o.requester)
	o.flags(cmd)
	_ = cmd.MarkFlagRequired("file") // the only error is a flag that is not there
	return cmd
}

func (p *app) apply(ctx context.Context, o applyOptions) error {
	changes, err := p.readChanges(ctx, o)
	if err != nil {
		return err
	}
	e, err := p.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	for _, c := range changes {
		if c.guess != "" {
			p.remark("line %d: %s", c.line, c.guess)
		}
	}
	b := &batch{app: p, temporalClient: e, applyOptions: o, results: make([]*lineResult, len(changes))}
	if b.pen, err = p.penFor(ctx, o, changes); err != nil {
		return err
	}
	defer b.pen.close()
	if db, host, err := p.openLedger(ctx, ""); err == nil {
		defer func() { _ = db.Close() }()
		b.db, b.host = db, host
	}
	b.run(ctx, changes)
	return b.conclude(ctx, changes)
}

// readChanges reads and checks the whole file before anything is asked for.
func (p *app) readChanges(ctx context.Context, o applyOptions) ([]fileChange, error) {
	if o.parallel < 1 {
		return nil, usage("--parallel: %d is below 1", o.parallel)
	}
	who, err := requester(o.requester)
	if err != nil {
		return nil, err
	}
	console, err := p.configuredConsole()
	if err != nil {
		return nil, err
	}
	data, err := o.read()
	if err != nil {
		return nil, usage("--file: %w", err)
	}
	rows, err := parseFile(data)
	if err != nil && len(rows) == 0 {
		return nil, badConfiguration(err)
	}
	c := compiler{
		known: p.directory(ctx), requester: who, console: console, batch: o.batch, dryRun: o.dryRun,
	}
	changes, more := c.all(rows)
	if err := badConfiguration(inOrder(err, more)); err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return nil, usage("%s has no line but the header: there is nothing to do", o.file)
	}
	return changes, nil
}

func (o applyOptions) read() ([]byte, error) {
	if o.file == "-" {
		data, err := io.ReadAll(o.stdin)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return data, nil
	}
	return os.ReadFile(o.file)
}
