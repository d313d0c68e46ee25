package requestclient

import (
	"context"

	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/temporalclient"
)

// Client starts and updates requests over one connection.
type Client struct {
	Temporal *temporalclient.Connection
	// Record reads the request with the first known of these workflow ids, to say why it
	// accepts nothing: see [requestrecord.Reader.Read].
	Record func(ctx context.Context, ids ...string) requestrecord.Record
}
