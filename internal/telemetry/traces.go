package telemetry

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"

	"sentinelone-provisioner/internal/otlpenv"
)

// maxAnswer is the most bytes of a collector's answer that are read.
const maxAnswer = 64 << 10

// flushLimit bounds how long a program that ends waits for its last spans to be sent.
const flushLimit = 3 * time.Second

// Traces sends spans to a collector by OTLP. The zero value and nil send none.
type Traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	temporal interceptor.Interceptor
}

// StartTraces starts to send spans of a program if the standard variables ask for it: OTEL_EXPORTER_OTLP_ENDPOINT,
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_TRACES_EXPORTER=otlp. It does not connect, and nothing waits for the
// collector but [Traces.Close]. failed hears of spans that could not be sent: of the first failure, and then of one in
// ten minutes. The error says which variables are wrong, in no shape that repeats a header.
func StartTraces(ctx context.Context, program string, failed func(error)) (*Traces, error) {
	if err := otlpenv.Validate(); err != nil || !otlpenv.Wanted() {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // a program that is stopped as it starts is not misconfigured
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithMaxResponseSize(maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_…: cannot send traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", program)),
		resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(newFailures(failed, otlpenv.Secrets()))
	return NewTraces(sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about)))
}

// NewTraces sends spans to a provider, which [Traces.Close] shuts down.
func NewTraces(provider *sdktrace.TracerProvider) (*Traces, error) {
	t := &Traces{provider: provider, tracer: provider.Tracer("sentinelone-provisioner")}
	var err error
	t.temporal, err = opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
		Tracer: t.tracer, TextMapPropagator: propagation.TraceContext{},
		DisableBaggage:          true, // it would stand in histories in clear
		AllowInvalidParentSpans: true, // a header that somebody forged must not fail a workflow
		DisableQueryTracing:     true, // a command that follows a request asks every second
	})
	return t, err
}

// Interceptors are those of a Temporal client, which its workers use too. They change no command of a workflow.
func (t *Traces) Interceptors() []interceptor.ClientInterceptor {
	if t == nil {
		return nil
	}
	return []interceptor.ClientInterceptor{t.temporal}
}

// Span begins a span of that name. end takes the error with which it ends, or nil.
func (t *Traces) Span(ctx context.Context, name string) (_ context.Context, end func(error)) {
	if t == nil {
		return ctx, func(error) {}
	}
	ctx, span := t.tracer.Start(ctx, name)
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

// Answered makes a span of a request to the console: its method, endpoint and status, no header and no body.
func (t *Traces) Answered(ctx context.Context, method, endpoint string, status int, took time.Duration) {
	if t == nil || !trace.SpanContextFromContext(ctx).IsValid() { // of no request: the health of the token, or a sync
		return
	}
	ended := time.Now()
	_, span := t.tracer.Start(ctx, method+" "+endpoint, trace.WithTimestamp(ended.Add(-took)),
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("http.request.method", method), attribute.String("url.template", endpoint),
			attribute.Int("http.response.status_code", status)))
	if status == 0 || status >= 400 {
		span.SetStatus(codes.Error, "status "+strconv.Itoa(status))
	}
	span.End(trace.WithTimestamp(ended))
}

// Waited implements console.Observer. What a request waits for its budget is in the span of its activity.
func (*Traces) Waited(string, time.Duration) {}

// Close sends the spans that are left, for some seconds at most.
func (t *Traces) Close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
	defer cancel()
	err := t.provider.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("the last spans were not sent: the collector does not answer")
	}
	return err
}
