package connector

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"

	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/starter/conductorone/internal/accounts"
	"sentinelone-provisioner/starter/conductorone/internal/evidence"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/provision"
	"sentinelone-provisioner/starter/conductorone/internal/settings"
	"sentinelone-provisioner/starter/conductorone/internal/snapshot"
)

// Open makes the connector of a console from its settings, all faults of which it reports at once. It connects to
// nothing yet: while the database or Temporal is down, each task fails with a sentence, and the connector stays.
func Open(_ context.Context, s *settings.Settings, _ *cli.ConnectorOpts) (
	connectorbuilder.ConnectorBuilderV2, []connectorbuilder.Opt, error,
) {
	c, err := s.Resolve()
	if err != nil {
		return nil, nil, explain.Settings(err)
	}
	if c.Standalone {
		return openStandalone(c)
	}
	var source *snapshot.Store
	engine := newEngine(c, func(ctx context.Context) (*store.Store, error) { return source.DB(ctx) })
	source = snapshot.New(snapshot.Options{
		Console: c.Host,
		Open:    func(ctx context.Context) (*store.Store, error) { return store.OpenReader(ctx, c.Store.URL) },
		Syncer:  snapshot.Worker{Console: c.Host, Connect: engine.Connection},
		MaxAge:  c.MaxAge, Wait: c.SyncWait, Poll: snapshot.PollInterval,
	})
	check := func(ctx context.Context) error { return explain.All(source.Check(ctx), keyOf(c).Check(ctx)) }
	out := New(c, source, check)
	waiter := provision.NewWaiter(provision.WaiterOptions{Wait: c.Wait, Concurrency: c.TaskConcurrency})
	out.actions = accountsOf(c, engine, waiter, source)
	out.provisioner = provision.New(provision.Options{
		Requests: engine, Console: c.Host, Requester: c.Requester,
		Waiter: waiter,
		Ledger: evidence.Reader{Console: c.Host, Store: source.DB},
	})
	return out, nil, nil
}

// accountsOf is what creates, deletes and reads accounts, and the actions.
func accountsOf(
	c settings.Config, engine *provision.Engine, waiter *provision.Waiter, source *snapshot.Store,
) accounts.Actions {
	requests := accounts.Engine{
		Provision: engine, Waiter: waiter, Console: c.Host, Sign: keyOf(c).Open, Store: source.DB,
	}
	return accounts.Actions{Updates: requests, Config: &accounts.Config{
		Console: c.Host, Requester: c.Requester, Requests: requests, Now: time.Now,
		Ledger: evidence.Reader{Console: c.Host, Store: source.DB},
		Lookup: lookup{
			source: source,
			directory: func(ctx context.Context) (store.Directory, error) {
				db, err := source.DB(ctx)
				if err != nil {
					return store.Directory{}, err
				}
				return db.Directory(ctx, c.Host)
			},
		},
	}}
}

// keyOf is the key that signs the connector's requests.
func keyOf(c settings.Config) provision.Key {
	return provision.Key{
		Path: c.SigningKey, Requester: c.Requester, Signing: c.Signing, Socket: os.Getenv("SSH_AUTH_SOCK"),
	}
}

// newEngine makes the one connection to Temporal, when something first needs it. The database says what a status does
// not.
func newEngine(c settings.Config, db func(context.Context) (*store.Store, error)) *provision.Engine {
	live := func(ctx context.Context) (livestatus.Source, error) { return db(ctx) }
	return provision.NewEngine(provision.EngineOptions{
		Requester: c.Requester, Sign: keyOf(c).Open,
		Dial: func(ctx context.Context) (*temporalclient.Connection, error) {
			options, err := c.TemporalOptions(slog.New(slog.DiscardHandler))
			if err != nil {
				return nil, err
			}
			connection, err := temporalclient.Connect(ctx, options, c.TaskQueue)
			if err == nil {
				connection.Completion = livestatus.NewCompleter(live, c.Host)
			}
			return connection, err
		},
		Record: func(ctx context.Context, temporal *temporalclient.Connection, ids ...string) requestrecord.Record {
			open, err := db(ctx)
			r := requestrecord.Reader{Temporal: temporal, Store: open, StoreErr: err, Console: c.Host}
			return r.Read(ctx, ids...)
		},
	})
}
