package temporalclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/codec"
	"sentinelone-provisioner/internal/netenv"
)

// Options reads the Temporal configuration and adds what all our clients share: the
// logger, and the data converter with the keys of keysFile ("" for no encryption). It
// does not connect. HostPort and Namespace are always set.
//
// It fails for an invalid Temporal configuration file, TEMPORAL_ variable or keys file;
// the error names it.
func Options(logger *slog.Logger, keysFile string) (client.Options, error) {
	opts, err := loadOptions()
	keys, keysErr := codec.ReadKeys(keysFile)
	if err := errors.Join(err, keysErr); err != nil {
		return client.Options{}, err
	}
	if opts.HostPort == "" {
		opts.HostPort = client.DefaultHostPort
	}
	if opts.Namespace == "" {
		opts.Namespace = client.DefaultNamespace
	}
	opts.DataConverter = codec.DataConverter(keys)
	opts.FailureConverter = temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: opts.DataConverter,
		// Messages and stack traces of failures may quote payloads, so encrypt them
		// too. Without keys they stay readable in the UI.
		EncodeCommonAttributes: len(keys) > 0,
	})
	opts.Logger = log.NewStructuredLogger(logger)
	opts.ConnectionOptions.DialOptions = append(opts.ConnectionOptions.DialOptions,
		grpc.WithChainUnaryInterceptor(slimRejections))
	return opts, nil
}

// Dial connects to Temporal and checks that the namespace exists. It does not retry: it
// fails at once if the service is unreachable (see [Unreachable]) or the namespace is
// missing, and the error says what to do.
func Dial(ctx context.Context, opts client.Options) (client.Client, error) {
	c, err := client.DialContext(ctx, opts)
	if err != nil {
		if why := probe(ctx, opts.HostPort, opts.ConnectionOptions.TLS); why != nil && !Misconfigured(err) {
			err = fmt.Errorf("%w: %w", err, why)
		}
		return nil, Explain(err, opts)
	}
	_, err = c.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: opts.Namespace})
	if _, missing := errors.AsType[*serviceerror.NamespaceNotFound](err); missing {
		c.Close()
		return nil, fmt.Errorf("temporal at %s has no namespace %q: create it with "+
			"`temporal operator namespace create --namespace %s`, or set TEMPORAL_NAMESPACE: %w",
			opts.HostPort, opts.Namespace, opts.Namespace, err)
	}
	return c, nil
}

// Explain adds the address and what to do to an error that means that Temporal is
// unreachable: it is an [*UnreachableError] then. It returns any other error unchanged.
func Explain(err error, opts client.Options) error {
	if err != nil && serviceerror.ToStatus(err).Code() == codes.Unauthenticated {
		return fmt.Errorf("temporal at %s does not accept the API key: %w: set TEMPORAL_API_KEY, or api_key in "+
			"TEMPORAL_CONFIG_FILE, to a key that is valid for namespace %q", opts.HostPort, err, opts.Namespace)
	}
	_, network := errors.AsType[net.Error](err)
	if err == nil || !network && !Unreachable(err) {
		return err
	}
	if hint := cmp.Or(explainRefusal(err, opts.ConnectionOptions.TLS), netenv.ExplainTLS(err, caVariable)); hint != "" {
		return &UnreachableError{fmt.Errorf("temporal at %s cannot be trusted: %w: %s", opts.HostPort, err, hint)}
	}
	return &UnreachableError{fmt.Errorf("temporal does not answer at %s: start it (`temporal server start-dev` on "+
		"one machine), or set TEMPORAL_ADDRESS: %w", opts.HostPort, err)}
}

// UnreachableError says at which address Temporal was not reached, and what to do.
type UnreachableError struct{ err error }

// Error implements error.
func (e *UnreachableError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.err }

// caVariable names the CA of the service; without it, the system's count, or those of SSL_CERT_FILE.
const caVariable = "TEMPORAL_TLS_SERVER_CA_CERT_PATH"

// Unreachable reports whether the service could not be reached or did not answer in
// time. The outcome of the call is then unknown, and a retry may work.
func Unreachable(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	switch serviceerror.ToStatus(err).Code() {
	case codes.Unavailable, codes.DeadlineExceeded:
		return true
	default:
		return false
	}
}
