package temporalclient

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"sentinelone-provisioner/internal/envvar"
	"sentinelone-provisioner/internal/netenv"
	"sentinelone-provisioner/internal/textfile"
)

const addressVariable = "TEMPORAL_ADDRESS"

// ownVariables are the variables that are cleaned and checked. The others, such as certificates in
// TEMPORAL_TLS_…_DATA, are passed on as they are.
var ownVariables = []string{
	addressVariable, "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE",
	"TEMPORAL_TLS", "TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH",
	"TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_TLS_SERVER_NAME", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION",
	"TEMPORAL_CLIENT_AUTHORITY",
}

// switches are the variables that the SDK passes over unless they say yes or no, so that a mistake
// would turn TLS off unnoticed.
var switches = []string{"TEMPORAL_TLS", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION"}

// environment implements envconfig.EnvLookup without what is blank, and without what stands around
// a value.
type environment map[string]string

// LookupEnv implements envconfig.EnvLookup.
func (e environment) LookupEnv(name string) (string, bool) {
	if slices.Contains(ownVariables, name) {
		value, set := e[name]
		return value, set
	}
	return os.LookupEnv(name)
}

// Environ implements envconfig.EnvLookup.
func (environment) Environ() []string { return os.Environ() }

// readEnvironment returns the variables and all their faults, joined.
func readEnvironment() (environment, error) {
	values := environment{}
	var faults []error
	for _, name := range ownVariables {
		value, set, blank, err := envvar.Lookup(name)
		switch {
		case err != nil:
			faults = append(faults, err)
		case blank && name == addressVariable:
			faults = append(faults, errors.New("TEMPORAL_ADDRESS is blank: set it to host and port, such as "+
				client.DefaultHostPort+", or unset it"))
		case set && name != addressVariable && envvar.HoldsPassword(value):
			faults = append(faults, fmt.Errorf("%s holds a URL with a password, and is none itself: "+
				"set the variable that is meant", name))
		case set && len(value) > maxLength(name):
			faults = append(faults, fmt.Errorf("%s is %d bytes long: set a value of at most %d",
				name, len(value), maxLength(name)))
		case set:
			values[name] = value
		}
	}
	for _, name := range switches {
		if value, set := values[name]; set {
			// The SDK knows no other words.
			switch strings.ToLower(value) {
			case "true", "false", "1", "0":
			default:
				faults = append(faults, fmt.Errorf("%s is %s: set it to true or false", name, envvar.Shown(value)))
			}
		}
	}
	faults = append(faults, checkFiles(values))
	for _, r := range values["TEMPORAL_API_KEY"] {
		if r <= ' ' || r > '~' { // the SDK would send it in a header, which fails at each call
			faults = append(faults, errors.New("TEMPORAL_API_KEY has a character that no key has: copy the key again"))
			break
		}
	}
	return values, errors.Join(faults...)
}

const (
	certVariable = "TEMPORAL_TLS_CLIENT_CERT_PATH"
	keyVariable  = "TEMPORAL_TLS_CLIENT_KEY_PATH"
)

// checkFiles names the variable of a file that cannot be read: the SDK names the file alone. A
// configuration file need not be there.
func checkFiles(values environment) error {
	var faults []error
	for _, name := range []string{certVariable, keyVariable, caVariable, "TEMPORAL_CONFIG_FILE"} {
		path, set := values[name]
		if !set {
			continue
		}
		text, err := os.ReadFile(path)
		if err == nil && name != "TEMPORAL_CONFIG_FILE" {
			faults = append(faults, checkPEM(name, path, text))
		}
		switch {
		case err == nil, name == "TEMPORAL_CONFIG_FILE" && errors.Is(err, fs.ErrNotExist):
		case strings.Contains(path, "://"):
			faults = append(faults, fmt.Errorf("%s is a URL: set it to the path of a file", name))
		default:
			faults = append(faults, fmt.Errorf("%s: the file cannot be read: %w: correct the path or its permissions",
				name, err))
		}
	}
	faults = append(faults, checkCertificates(values, time.Now()))
	if _, cert := values[certVariable]; cert != (values[keyVariable] != "") {
		faults = append(faults, fmt.Errorf("of %s and %s only one is set: set both, or unset both",
			certVariable, keyVariable))
	}
	return errors.Join(faults...)
}

// checkPEM refuses the encodings of a file of certificates or keys in which the SDK finds none.
func checkPEM(name, path string, text []byte) error {
	plain, err := textfile.Text(text)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %s: %w", name, path, err)
	case len(plain) != len(text):
		return fmt.Errorf("%s: %s begins with a byte order mark, behind which nothing is found: remove it "+
			"with `sed -i '1s/^\\xef\\xbb\\xbf//' %s`", name, path, path)
	case !bytes.Contains(text, []byte("-----BEGIN ")):
		return fmt.Errorf("%s: %s is not in PEM (-----BEGIN …): convert it with "+
			"`openssl x509 -inform der -in FILE -out FILE.pem`", name, path)
	}
	return nil
}

// maxLength is the most bytes of a value: an API key may be long, a path or a name is not.
func maxLength(name string) int {
	if name == "TEMPORAL_API_KEY" {
		return envvar.MaxValue
	}
	return maxText
}

// maxText is the longest path of Linux, in bytes. Names in Temporal are shorter.
const maxText = 4096

// loadOptions reads the variables and the configuration file. The error joins all faults.
func loadOptions() (client.Options, error) {
	values, err := readEnvironment()
	if err != nil {
		return client.Options{}, err
	}
	opts, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: values})
	if syntax, is := errors.AsType[toml.ParseError](err); is {
		// Its text quotes the file, which may hold an API key.
		err = fmt.Errorf("line %d is not TOML", syntax.Position.Line)
	}
	if err != nil {
		return client.Options{}, fmt.Errorf(
			"cannot read the configuration of the Temporal client, check TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE and "+
				"TEMPORAL_TLS_…: %w", err)
	}
	source := addressVariable
	if _, set := values[addressVariable]; !set {
		source = "the address in the Temporal configuration file"
	}
	if opts.HostPort == "" {
		return opts, nil
	}
	if err := CheckAddress(source, opts.HostPort); err != nil {
		return opts, err
	}
	return opts, netenv.CheckPlainProxy(strings.TrimPrefix(opts.HostPort, "dns:///"))
}
