package temporalclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/codec"
)

// Options reads where Temporal is and adds what all our clients share: the data
// converter with the keys of keysFile ("" for none) and the logger. It connects
// to nothing. HostPort and Namespace are always filled in.
//
// It fails when the Temporal configuration file, a TEMPORAL_ variable or the
// keys file cannot be used; the error says which and is about configuration.
func Options(logger *slog.Logger, keysFile string) (client.Options, error) {
	opts, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return client.Options{}, fmt.Errorf("configuration of the Temporal client (TEMPORAL_…): %w", err)
	}
	keys, err := codec.ReadKeys(keysFile)
	if err != nil {
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
		// Messages and stacks of failures may quote what payloads hold, so they
		// are encrypted with them. Without keys they stay readable in the UI.
		EncodeCommonAttributes: len(keys) > 0,
	})
	opts.Logger = log.NewStructuredLogger(logger)
	return opts, nil
}

// Dial connects, and checks that the service answers and has the namespace. The
// error says where it tried and what to do; it does not wait for a service that
// is down.
func Dial(ctx context.Context, opts client.Options) (client.Client, error) {
	c, err := client.DialContext(ctx, opts)
	if err != nil {
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

// Explain turns an error of a call into a sentence that names the service and
// says what to do; other errors come back as they are.
func Explain(err error, opts client.Options) error {
	if err == nil || !Unreachable(err) {
		return err
	}
	return fmt.Errorf("temporal does not answer at %s: start it (`temporal server start-dev` on one machine),"+
		" or set TEMPORAL_ADDRESS: %w", opts.HostPort, err)
}

// Unreachable says that the service could not be reached or did not answer in
// time: nothing is known about what was asked, and asking again may work.
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
