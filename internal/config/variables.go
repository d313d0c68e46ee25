package config

import (
	"os"
	"reflect"
	"time"
)

// Variable describes one environment variable.
type Variable struct {
	Name    string
	Default string  // "" for none
	Help    string  // its meaning; no capital, no full stop
	Secret  bool    // its value must not be printed
	File    FileUse // "" if it names no file or folder

	field string // of its struct in Config
	url   bool   // it is a URL, which may hold a password
}

// FileUse says what a file that a variable names is for, and so who may open it.
type FileUse string

// The uses of files and folders.
const (
	// FileSecret may be read by its owner alone.
	FileSecret FileUse = "secret"
	// FileRules decides who gets access: it may be written by its owner alone.
	FileRules FileUse = "rules"
	// FilePublic is neither secret nor does it decide anything.
	FilePublic FileUse = "public"
	// FolderSecret holds secrets.
	FolderSecret FileUse = "folder"
	// FileProgram is a program that gets secrets.
	FileProgram FileUse = "program"
)

// Variables lists all variables of this project, in the order of [Config].
func Variables() []Variable { return describe(reflect.TypeFor[Config]()) }

// TemporalVariables lists the variables that the Temporal SDK (envconfig) and the
// `temporal` CLI read.
func TemporalVariables() []Variable {
	return []Variable{
		{Name: "TEMPORAL_ADDRESS", Default: "localhost:7233", Help: "host and port of the Temporal service"},
		{Name: "TEMPORAL_NAMESPACE", Default: "default", Help: "Temporal namespace"},
		{Name: "TEMPORAL_API_KEY", Help: "API key, for Temporal Cloud", Secret: true},
		{Name: "TEMPORAL_PROFILE", Default: "default", Help: "profile of the Temporal configuration file"},
		{
			Name: "TEMPORAL_CONFIG_FILE", Help: "path of the Temporal configuration file; unset: the default place",
			File: FileSecret,
		},
		{Name: "TEMPORAL_TLS", Help: "true to connect with TLS"},
		{Name: "TEMPORAL_TLS_CLIENT_CERT_PATH", Help: "client certificate for mutual TLS", File: FilePublic},
		{Name: "TEMPORAL_TLS_CLIENT_KEY_PATH", Help: "private key of the client certificate", File: FileSecret},
		{
			Name: "TEMPORAL_TLS_SERVER_CA_CERT_PATH", File: FilePublic,
			Help: "certificate of the CA that signed the service's certificate",
		},
		{Name: "TEMPORAL_TLS_SERVER_NAME", Help: "name to expect in the service's certificate"},
		{Name: "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION", Help: "true to accept any server name"},
	}
}

// NetworkVariables lists the variables of proxies and of CAs, which Go's own client reads for the
// console, for Temporal and for notifications by HTTP. Names in lower case count too.
func NetworkVariables() []Variable {
	return []Variable{
		{Name: "HTTPS_PROXY", Help: "proxy to the console, to Temporal and to https:// receivers of notifications, " +
			"such as http://proxy.example.com:3128"},
		{Name: "HTTP_PROXY", Help: "the same for http:// addresses"},
		{Name: "NO_PROXY", Help: "hosts and domains that are reached without a proxy, separated by commas; " +
			"localhost always is"},
		{Name: "SSL_CERT_FILE", Help: "bundle of CA certificates (PEM) to trust instead of the system's, as for a " +
			"proxy that opens TLS", File: FilePublic},
		{Name: "SSL_CERT_DIR", Help: "folders of CA certificates (PEM), separated by colons, instead of the system's"},
	}
}

func describe(t reflect.Type) []Variable {
	var out []Variable
	for f := range t.Fields() {
		if name, ok := f.Tag.Lookup("env"); ok {
			out = append(out, Variable{
				Name: name, Default: f.Tag.Get("envDefault"), Help: f.Tag.Get("help"),
				Secret: f.Type == reflect.TypeFor[Secret](), field: f.Name,
				File: FileUse(f.Tag.Get("file")), url: f.Tag.Get("url") != "",
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

func kindName(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Bool:
		return "boolean (true or false)"
	case t == reflect.TypeFor[time.Duration]():
		return "duration, such as 5m"
	}
	return "whole number"
}
