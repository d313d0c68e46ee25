package store

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"sentinelone-provisioner/internal/envvar"
)

// CheckURL says what is wrong with a database URL, and what to write. It connects to nothing, and
// its error holds nothing of the URL but the path of a file.
func CheckURL(databaseURL string) error {
	scheme, rest, found := strings.Cut(databaseURL, "://")
	switch {
	case found && scheme == "sqlite":
		return checkSQLiteName(rest)
	case found && (scheme == "postgres" || scheme == "postgresql"):
		_, err := parsePostgresURL(databaseURL)
		return err
	}
	return errors.New("unknown kind of database URL: " +
		"use one that begins with sqlite:// (a file) or postgres:// (a server)")
}

// postgresForm is the form of the URL of a server.
const postgresForm = "write postgres://user:password@host:5432/database?sslmode=verify-full" //nolint:gosec // no secret

// mayHoldAt are the parameters of the driver whose values may contain an @.
var mayHoldAt = []string{
	"user", "password", "host", "options", "application_name", "passfile", "sslpassword",
	"sslcert", "sslkey", "sslrootcert", "service", "servicefile",
}

// parsePostgresURL reads the URL of a server. The driver's errors quote the URL, and with it parts
// of the password: none of them is passed on.
func parsePostgresURL(databaseURL string) (*pgx.ConnConfig, error) {
	if err := envvar.CheckURL(databaseURL, mayHoldAt...); err != nil {
		return nil, fmt.Errorf("invalid database URL: %w: %s", err, postgresForm)
	}
	if err := checkPostgresParts(databaseURL); err != nil {
		return nil, fmt.Errorf("invalid database URL: %w", err)
	}
	if err := checkParameters(databaseURL); err != nil {
		return nil, fmt.Errorf("invalid database URL: %w", err)
	}
	cfg, err := pgx.ParseConfig(databaseURL)
	if err == nil {
		return cfg, nil
	}
	if name := faultyParameter(databaseURL); name != "" {
		return nil, fmt.Errorf("invalid database URL: the driver does not take its parameter %s: %s",
			name, parameterForms[name])
	}
	return nil, errors.New("invalid database URL: " + postgresForm +
		", with special characters percent-encoded; check its parameters and the PG… variables too")
}

// checkPostgresParts looks at what the driver would only call a failure to parse.
func checkPostgresParts(databaseURL string) error {
	_, rest, _ := strings.Cut(databaseURL, "://")
	authority, _, _ := strings.Cut(rest, "/")
	authority, _, _ = strings.Cut(authority, "?")
	if strings.Contains(rest, "#") {
		return fmt.Errorf("it has a #, which ends a URL: %w: %s", envvar.ErrEncode, postgresForm)
	}
	if _, hosts, found := strings.Cut(authority, "@"); found {
		authority = hosts
	}
	for server := range strings.SplitSeq(authority, ",") {
		if err := checkServer(server); err != nil {
			return err
		}
	}
	u, err := url.Parse(databaseURL)
	if err != nil {
		return nil // several servers: the driver judges them
	}
	query := u.Query()
	if mode := query.Get("sslmode"); mode != "" && !sslModes[mode] {
		return errors.New("its sslmode is unknown: use disable, allow, prefer, require, verify-ca or verify-full")
	}
	for _, name := range []string{"sslrootcert", "sslcert", "sslkey", "passfile"} {
		path := query.Get(name)
		if path == "" || name == "sslrootcert" && path == "system" {
			continue
		}
		file, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("its %s cannot be read: %w: correct the path or the permissions of the file", name, err)
		}
		_ = file.Close()
	}
	return nil
}

var sslModes = map[string]bool{
	"disable": true, "allow": true, "prefer": true, "require": true, "verify-ca": true, "verify-full": true,
}

// checkServer checks one host with its port. What stands there may be a user name and a password
// whose @ is missing, so it is not repeated.
func checkServer(server string) error {
	if _, err := netip.ParseAddr(strings.Trim(server, "[]")); err == nil {
		if strings.Contains(server, ":") && !strings.HasPrefix(server, "[") {
			return errors.New(postgresForm + ": its host is IPv6, which stands in brackets, as in [::1]:5432")
		}
		return nil
	}
	i := strings.LastIndexByte(server, ':')
	if i < 0 {
		return nil
	}
	if port, err := strconv.Atoi(server[i+1:]); err != nil || port < 1 || port > 65535 {
		return errors.New(postgresForm + ": its port is not a number from 1 to 65535; if a password stands there, " +
			"an @ and the host must follow it, and its special characters must be " +
			"percent-encoded (: is %3A, / is %2F)")
	}
	return nil
}

// sqliteForm is the form of the URL of a file.
const sqliteForm = "write sqlite://sentinelone.db, or sqlite:///var/lib/sentinelone/sentinelone.db"

// checkSQLiteName refuses what other programs take for more than the path of a file. A database in
// memory would be another one for each connection, and parameters would become a part of the name.
func checkSQLiteName(path string) error {
	lower := strings.ToLower(path)
	name := filepath.Base(lower)
	wrong := func(why string) error { return errors.New("the database URL " + why + ": " + sqliteForm) }
	switch {
	case path == "":
		return errors.New("the database URL sqlite:// names no file: " + sqliteForm)
	case strings.HasPrefix(name, ":memory") || strings.Contains(name, ":memory:") ||
		strings.HasPrefix(lower, "file:") && strings.Contains(lower, "memory"):
		return wrong("names a database in memory, which each connection would have for itself")
	case strings.HasPrefix(lower, "file:"):
		return wrong("has sqlite:// and file: at its beginning")
	case parameters.MatchString(name):
		return fmt.Errorf("%w; to keep this program from writing to the console, set SENTINELONE_READ_ONLY=true",
			wrong("has parameters behind the file's name, and SQLite is given none"))
	case userAndPassword.MatchString(path): // the error of the missing folder would show it
		return wrong("has a user and a password, and a file has none")
	case strings.Contains(lower, "%2f"):
		return wrong("has %2F for a slash, and the path of a file is not percent-encoded")
	case windowsPath.MatchString(path):
		return wrong("has a path of Windows, and this program runs on Linux")
	case strings.HasPrefix(path, "~") || strings.HasPrefix(path, "$"):
		return wrong("begins with ~ or $, which only a shell replaces, so write the folder out")
	case strings.HasPrefix(path, " "):
		return wrong("has a blank before the file's name")
	}
	return nil
}

var (
	// parameters are what drivers take behind a name, also with another delimiter than ?, or none behind it.
	parameters = regexp.MustCompile(`\?(\w+$|$|.*=)|[;&]\w+=`)

	userAndPassword = regexp.MustCompile(`(^|/)[^/:]+:[^/]+@`)

	windowsPath = regexp.MustCompile(`^/?[A-Za-z]:[/\\]|^\\\\`)
)
