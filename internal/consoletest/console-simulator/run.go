package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/consoletest"
)

const help = `Serve a simulated SentinelOne console: its REST API v2.1 with state, the published
rate limits, and faults. It prints "listening on http://…" when it accepts requests,
and stops on SIGTERM or Ctrl-C.

Sizes: small (1 account, 3 sites, 20 users, 10 service users, 10 roles), tenant
(1, 1,555, 373, 3,426, 23) and mssp (100, 10,000, 100,000, 20,000, 156). A count
flag overrides that of --size; a negative count means none.

Faults (--fault may be repeated): rateLimited, serverError, badGateway, slow,
cutBefore, cutAfter, truncated, emptyPage, emptyObject, vanish, unauthorized,
forbidden, notFound, conflict, errorAfter, stale. cutAfter and errorAfter process the
request first; after stale, reads do not show the write until its delay has passed.
Responses that are far too large: gzipBomb, longRow, extraRows, endlessBody.
Settings after a comma: path=/users, method=PUT, only=pages|counts|probes, after=N (skip
the first N), every=N (affect each N-th), times=N (end after N; 0 = never),
retry-after=2s (of rateLimited), delay=5s (of slow and stale).

Control API while it runs, without a token:
  GET/POST/DELETE /_simulator/faults     {"name":"serverError","path":"/users","times":1}
  GET             /_simulator/truth      current state: the expected result of a sync
  GET             /_simulator/changes    changes of principals, by API and by hand
  GET             /_simulator/writes     ?kind=user&id=…: most concurrent writes
  GET/DELETE      /_simulator/requests   requests so far
  POST            /_simulator/edit       {"op":"removeUsers","n":5}; an unknown op lists all
  PUT             /_simulator/latency    {"latency":"20ms"}
  PUT             /_simulator/token      {"token":"…"}`

// settings are the values of the flags.
type settings struct {
	listen string
	size   string
	faults []string
	opts   consoletest.Options
}

// run runs the program and returns the exit code. Tests pass their own arguments and outputs.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd := command(ctx, stdout)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		complain(stderr, err)
		return exitUsage
	default:
		complain(stderr, err)
		return exitFailed
	}
}

func command(ctx context.Context, stdout io.Writer) *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:           "console-simulator",
		Short:         "Serve a simulated SentinelOne console",
		Long:          help,
		Example:       "  console-simulator --size tenant --latency 20ms --fault rateLimited,path=/users,times=2",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown argument %q; see --help", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.console(cmd)
			if err != nil {
				return usageError{err}
			}
			return serve(ctx, s.listen, c, stdout)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	s.flags(cmd)
	return cmd
}

func (s *settings) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&s.listen, "listen", "127.0.0.1:8080", "address to listen on; port 0 picks a free one")
	f.StringVar(&s.size, "size", "small", "small, tenant or mssp")
	f.Uint64Var(&s.opts.Seed, "seed", 0, "seed of the data; the same seed and sizes give the same console")
	f.IntVar(&s.opts.Accounts, "accounts", 0, "accounts")
	f.IntVar(&s.opts.Sites, "sites", 0, "sites, spread over the accounts")
	f.IntVar(&s.opts.Users, "users", 0, "users")
	f.IntVar(&s.opts.ServiceUsers, "service-users", 0, "service users")
	f.IntVar(&s.opts.CustomRoles, "custom-roles", 0, "custom roles, besides the 6 predefined ones")
	f.IntVar(&s.opts.RolesEach, "roles-each", 0,
		"roles of every user, each at another site: --users 1000 --sites 1555 --roles-each 1555 is a page of 200 MB")
	f.DurationVar(&s.opts.Latency, "latency", 0, "delay of each response")
	f.BoolVar(&s.opts.EnforceRates, "rates", false, "respond with 429 beyond the published rates")
	f.StringVar(&s.opts.Token, "token", consoletest.DefaultToken, "API token to accept")
	f.StringVar(&s.opts.SecretMark, "secret-mark", "", "prefix of every registrationToken and service-user token")
	f.BoolVar(&s.opts.NoServiceUserByID, "no-service-user-by-id", false,
		"simulate an older console without GET /service-users/{id}")
	f.BoolVar(&s.opts.NoTokenGeneration, "no-token-generation", false,
		"simulate an older console without POST /service-users/{id}/generate-api-token")
	f.BoolVar(&s.opts.TakenEmailIs400, "taken-email-400", false,
		"respond with 400 instead of 409 to a new user whose address is taken")
	f.StringSliceVar(&s.opts.HiddenEmails, "hidden-email", nil,
		"address of a user that the token cannot see; may be repeated")
	f.BoolVar(&s.opts.ProtectReadOnly, "protect-read-only", false,
		"respond with 403 to writes to users with isSystem or groupsReadOnly")
	f.BoolVar(&s.opts.DropAbsentFields, "drop-absent-fields", false,
		"clear a service user's description when a PUT leaves it out")
	f.BoolVar(&s.opts.OwnerIsServiceUser, "service-user-token", false,
		"a service user owns the API token; GET /user then draws 403")
	f.StringArrayVar(&s.faults, "fault", nil, "kind[,setting=value…]; may be repeated")
}

// console creates the console that the flags describe.
func (s *settings) console(cmd *cobra.Command) (*consoletest.Console, error) {
	o, err := consoletest.Preset(s.size)
	if err != nil {
		return nil, err
	}
	for name, to := range map[string]struct{ from, into *int }{
		"accounts":      {&s.opts.Accounts, &o.Accounts},
		"sites":         {&s.opts.Sites, &o.Sites},
		"users":         {&s.opts.Users, &o.Users},
		"service-users": {&s.opts.ServiceUsers, &o.ServiceUsers},
		"custom-roles":  {&s.opts.CustomRoles, &o.CustomRoles},
	} {
		if cmd.Flags().Changed(name) {
			*to.into = noneIfZero(*to.from)
		}
	}
	faults := make([]consoletest.Fault, len(s.faults))
	for i, text := range s.faults {
		if faults[i], err = consoletest.ParseFault(text); err != nil {
			return nil, err
		}
	}
	sizes := o
	o = s.opts
	o.Accounts, o.Sites, o.Users = sizes.Accounts, sizes.Sites, sizes.Users
	o.ServiceUsers, o.CustomRoles = sizes.ServiceUsers, sizes.CustomRoles
	c := consoletest.New(o)
	for _, f := range faults {
		c.AddFault(f)
	}
	return c, nil
}

// noneIfZero makes `--users 0` mean none: in Options zero is the default.
func noneIfZero(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

// serve renders all rows, listens, and serves until ctx ends.
func serve(ctx context.Context, address string, c *consoletest.Console, stdout io.Writer) error {
	debug.SetGCPercent(25) // most memory is rows that stay; collect the garbage of each page early
	c.Render()
	debug.FreeOSMemory()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	server := &http.Server{Handler: c.Handler(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	if _, err := fmt.Fprintf(stdout, "listening on http://%s\n", l.Addr()); err != nil {
		return fmt.Errorf("print the address: %w", err)
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		return server.Close() // no graceful shutdown: clients see a console that crashed
	}
}
