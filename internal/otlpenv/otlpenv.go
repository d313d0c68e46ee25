// Package otlpenv knows OpenTelemetry's standard variables, with which the programs send traces. OpenTelemetry's own
// client passes over a value that it cannot read, sends in clear where two of them contradict each other, and ends the
// program for a queue of less than no spans; so they are checked when a program starts.
package otlpenv

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/envvar"
)

// The exporter's variables begin with OTEL_EXPORTER_OTLP_ for all that is exported, and with OTEL_EXPORTER_OTLP_TRACES_
// for traces alone, which counts where both are set.
const (
	exporterVariable = "OTEL_TRACES_EXPORTER"
	disabledVariable = "OTEL_SDK_DISABLED"
	prefix           = "OTEL_EXPORTER_OTLP_"
	tracesPrefix     = prefix + "TRACES_"

	endpoint          = "ENDPOINT"
	protocol          = "PROTOCOL"
	headers           = "HEADERS"
	timeout           = "TIMEOUT"
	compression       = "COMPRESSION"
	insecure          = "INSECURE"
	certificate       = "CERTIFICATE"
	clientCertificate = "CLIENT_CERTIFICATE"
	clientKey         = "CLIENT_KEY"
)

// Wanted says that the variables ask for traces: an endpoint is set, or OTEL_TRACES_EXPORTER=otlp.
func Wanted() bool {
	if disabled, _, _, _ := envvar.Lookup(disabledVariable); strings.EqualFold(disabled, "true") {
		return false
	}
	kind, chosen, _, err := envvar.Lookup(exporterVariable)
	if chosen || err != nil {
		return kind != "none" // another one is a fault
	}
	return raw(prefix+endpoint) != "" || raw(tracesPrefix+endpoint) != ""
}

// Validate returns all faults of the variables, joined; none if they ask for no traces. Each begins with the variable's
// name, and none holds a header or a password.
func Validate() error {
	if !Wanted() {
		return nil
	}
	var faults []error
	if kind, chosen, _, err := envvar.Lookup(exporterVariable); err != nil || chosen && kind != "otlp" {
		faults = append(faults, or(err, "%s is %s: set it to otlp or none", exporterVariable, envvar.Shown(kind)))
	}
	for _, begin := range []string{prefix, tracesPrefix} {
		faults = append(faults, checkExporter(begin)...)
	}
	return errors.Join(append(faults, checkTogether(), checkSampler(), checkNumbers(), checkResource())...)
}

// Notes are what the variables say that counts as something else than was meant, one sentence each. By OpenTelemetry's
// specification, "true" alone disables; another value is told and stops nothing, as other programs take it.
func Notes() []string {
	value, set, _, err := envvar.Lookup(disabledVariable)
	if !Wanted() || err == nil && (!set || isBool(value)) {
		return nil
	}
	const means = "traces are sent, since only true disables them"
	if err != nil {
		return []string{fmt.Sprintf("%v; %s", err, means)}
	}
	return []string{fmt.Sprintf("%s is %s: %s: set it to true or false", disabledVariable, envvar.Shown(value), means)}
}

// Secrets are the values of headers, which often are keys: no log may hold them. A value stands here as it is sent and
// as it is written in the variable, and without the name of a scheme, such as Bearer, of Basic with its password.
func Secrets() (out []string) {
	for _, name := range []string{prefix + headers, tracesPrefix + headers} {
		pairs, err := parseHeaders(raw(name))
		if err != nil {
			continue // the program does not start with it
		}
		for i, pair := range strings.Split(raw(name), ",") {
			_, written, _ := strings.Cut(pair, "=")
			if len(pairs) > 0 {
				out = append(out, secretsOf(strings.TrimSpace(written), pairs[i][1])...)
			}
		}
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

func secretsOf(written, value string) []string {
	out := []string{value, written}
	scheme, rest, found := strings.Cut(value, " ")
	if rest = strings.TrimSpace(rest); !found || rest == "" {
		return out
	}
	out = append(out, rest, url.PathEscape(rest))
	if decoded, err := base64.StdEncoding.DecodeString(rest); err == nil && strings.EqualFold(scheme, "basic") {
		_, password, _ := strings.Cut(string(decoded), ":")
		out = append(out, password)
	}
	return out
}

func raw(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// effective is the value of a setting that counts, and the name of its variable.
func effective(setting string) (name, value string) {
	for _, begin := range []string{tracesPrefix, prefix} {
		if value := raw(begin + setting); value != "" {
			return begin + setting, value
		}
	}
	return "", ""
}

func isBool(value string) bool {
	return strings.EqualFold(value, "true") || strings.EqualFold(value, "false")
}

// or is the first error, or one of a format.
func or(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	return fmt.Errorf(format, args...)
}
