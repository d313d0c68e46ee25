package config

import (
	"os"
	"reflect"
)

// Variable describes one environment variable of ours.
type Variable struct {
	Name    string
	Default string // "" for none
	Help    string // half a sentence
	Secret  bool

	field string
}

// Variables lists every variable of ours, in the order of [Config].
func Variables() []Variable { return describe(reflect.TypeFor[Config]()) }

// TemporalVariables lists the variables the Temporal SDK's envconfig reads,
// which the `temporal` CLI reads too.
func TemporalVariables() []Variable {
	return []Variable{
		{Name: "TEMPORAL_ADDRESS", Default: "localhost:7233", Help: "host and port of the Temporal service"},
		{Name: "TEMPORAL_NAMESPACE", Default: "default", Help: "Temporal namespace"},
		{Name: "TEMPORAL_API_KEY", Help: "API key, for Temporal Cloud", Secret: true},
		{Name: "TEMPORAL_PROFILE", Default: "default", Help: "profile of the Temporal configuration file"},
		{Name: "TEMPORAL_CONFIG_FILE", Help: "that file, where it is not in its customary place"},
		{Name: "TEMPORAL_TLS", Help: "true to connect with TLS"},
		{Name: "TEMPORAL_TLS_CLIENT_CERT_PATH", Help: "client certificate for mutual TLS"},
		{Name: "TEMPORAL_TLS_CLIENT_KEY_PATH", Help: "its private key"},
		{Name: "TEMPORAL_TLS_SERVER_CA_CERT_PATH", Help: "certificate authority of the service"},
		{Name: "TEMPORAL_TLS_SERVER_NAME", Help: "name to expect in the service's certificate"},
		{Name: "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION", Help: "true to accept any name"},
	}
}

func describe(t reflect.Type) []Variable {
	var out []Variable
	for f := range t.Fields() {
		if name, ok := f.Tag.Lookup("env"); ok {
			out = append(out, Variable{
				Name: name, Default: f.Tag.Get("envDefault"), Help: f.Tag.Get("help"),
				Secret: f.Type == reflect.TypeFor[Secret](), field: f.Name,
			})
			continue
		}
		out = append(out, describe(f.Type)...)
	}
	return out
}

func (v Variable) current() string {
	if v.Secret {
		return redacted
	}
	return os.Getenv(v.Name)
}

func kindName(k reflect.Kind) string {
	if k == reflect.Bool {
		return "boolean (true or false)"
	}
	return "whole number"
}
