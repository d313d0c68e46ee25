package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// parameterForms are what to write for the parameters of the URL of a server that the driver reads. Every other one
// goes to the server, which knows its own.
var parameterForms = map[string]string{
	"sslmode":                 "write sslmode=verify-full, or another mode",
	"connect_timeout":         "write whole seconds, as in connect_timeout=10",
	"target_session_attrs":    "write any, read-write, read-only, primary, standby or prefer-standby",
	"default_query_exec_mode": "leave it out, or write simple_protocol for a pooler such as PgBouncer",
	"sslrootcert":             "name a file of certificates in PEM (-----BEGIN CERTIFICATE-----)",
	"sslcert":                 "name a certificate in PEM, and its private key in sslkey",
	"sslkey":                  "name a private key in PEM, and its certificate in sslcert",
	"options":                 "percent-encode what stands in it (= is %3D, a blank is %20)",
	"service":                 "name a service that the file has which PGSERVICEFILE or servicefile names",
	"channel_binding":         "write prefer, require or disable",
	"sslcertmode":             "write disable, allow or require",
	"port":                    "write a number from 1 to 65535",
}

// checkParameters refuses parameters that would be passed over: what follows another delimiter is a part of the
// database's name, one in another case goes to the server in place of the driver, and of two the first counts.
func checkParameters(databaseURL string) error {
	before, query, _ := strings.Cut(databaseURL, "?")
	_, rest, _ := strings.Cut(before, "://")
	_, database, _ := strings.Cut(rest, "/")
	if strings.ContainsAny(database, ";&") && strings.Contains(database, "=") {
		return errors.New("its parameters are a part of the database's name: begin them with a ?, " +
			"as in /database?sslmode=require")
	}
	if strings.Contains(query, ";") {
		return errors.New("a ; stands between its parameters: write & there, or %3B in a value")
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(query, "&") {
		name, _, hasValue := strings.Cut(pair, "=")
		known := strings.ToLower(strings.ReplaceAll(name, "-", "_"))
		_, isKnown := parameterForms[known]
		isKnown = isKnown || known == "user" || known == "password" || known == "host"
		switch {
		case isKnown && known != name:
			return fmt.Errorf("it has a parameter %s in another spelling, which would not count: write %[1]s=", known)
		case isKnown && !hasValue:
			return fmt.Errorf("its parameter %s has no value: write %[1]s=, or leave it out", known)
		case isKnown && seen[known]:
			return fmt.Errorf("its parameter %s stands in it twice: remove one", known)
		}
		seen[known] = true
	}
	return nil
}

// faultyParameter is the parameter without which the driver takes a URL that it does not take; "" if there is none, or
// it is none that may be shown: what stands in its place may be a part of a password.
func faultyParameter(databaseURL string) string {
	before, query, _ := strings.Cut(databaseURL, "?")
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, _, _ := strings.Cut(pair, "=")
		if _, known := parameterForms[name]; !known {
			continue
		}
		others := append(append([]string{}, pairs[:i]...), pairs[i+1:]...)
		if _, err := pgx.ParseConfig(before + "?" + strings.Join(others, "&")); err == nil {
			return name
		}
	}
	return ""
}
