package connector

import (
	"context"
	"log/slog"
	"sync"

	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"

	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"

	"sentinelone-provisioner/starter/conductorone/internal/explain"
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
	temporal := &temporal{config: c}
	source := snapshot.New(snapshot.Options{
		Console: c.Host,
		Open:    func(ctx context.Context) (*store.Store, error) { return store.OpenReader(ctx, c.Store.URL) },
		Syncer:  snapshot.Worker{Console: c.Host, Connect: temporal.connect},
		MaxAge:  c.MaxAge, Wait: c.SyncWait, Poll: snapshot.PollInterval,
	})
	return New(c, source, source.Check), nil, nil
}

// temporal is the one connection to Temporal, made when something first needs it.
type temporal struct {
	config settings.Config

	mu         sync.Mutex
	connection *temporalclient.Connection
}

func (t *temporal) connect(ctx context.Context) (*temporalclient.Connection, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.connection != nil {
		return t.connection, nil
	}
	options, err := t.config.TemporalOptions(slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	t.connection, err = temporalclient.Connect(ctx, options, t.config.TaskQueue)
	return t.connection, err
}
