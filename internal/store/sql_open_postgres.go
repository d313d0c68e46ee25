package store

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresConns is the size of the pool: each of five collections saves and loads in
// parallel, and a few readers query.
const postgresConns = 12

func openPostgres(ctx context.Context, databaseURL string, reader bool) (*Store, error) {
	cfg, err := parsePostgresURL(databaseURL)
	if err != nil {
		return nil, err
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "sentinelone-provisioner"
	}
	// A description of each statement is kept here, and no prepared statement on the server: through
	// pgbouncer, the next transaction may be on another of its connections, where it is unknown, or
	// where another program has one of that name.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	db := sql.OpenDB(pgConnector{stdlib.GetConnector(*cfg), reader})
	db.SetMaxOpenConns(postgresConns)
	db.SetMaxIdleConns(postgresConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(explainConnect(cfg, err), db.Close())
	}
	return &Store{
		w: db, r: db, d: dialect{postgres: true}, now: time.Now, few: fewRows,
		where: "database server " + servers(cfg), reader: reader,
	}, nil
}

// servers names the servers of a URL.
func servers(cfg *pgx.ConnConfig) string {
	names := []string{address(cfg.Host, cfg.Port)}
	for _, f := range cfg.Fallbacks {
		if name := address(f.Host, f.Port); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func address(host string, port uint16) string { return net.JoinHostPort(host, strconv.Itoa(int(port))) }
