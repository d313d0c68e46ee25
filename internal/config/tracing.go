package config

import "slices"

// TracingVariables lists OpenTelemetry's standard variables, with which the programs send traces.
func TracingVariables() []Variable {
	const all, traces = "OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_TRACES_"
	exporter := []Variable{
		{Name: all + "ENDPOINT", Help: "URL of the collector, such as http://localhost:4318; /v1/traces is added; " +
			"unset: nothing is traced"},
		{Name: all + "HEADERS", Secret: true, Help: "headers for the collector, such as its key: name=value, " +
			"separated by commas, the values percent-encoded"},
		{Name: all + "TIMEOUT", Default: "10000", Help: "milliseconds that the collector may take"},
		{Name: all + "COMPRESSION", Help: "gzip or none; unset: none"},
		{Name: all + "PROTOCOL", Help: "http/protobuf; there is no other"},
		{Name: all + "INSECURE", Help: "true or false, as the scheme of the URL says"},
		{Name: all + "CERTIFICATE", Help: "certificate (PEM) of the CA that signed the collector's", File: FilePublic},
		{Name: all + "CLIENT_CERTIFICATE", Help: "client certificate (PEM) for mutual TLS", File: FilePublic},
		{Name: all + "CLIENT_KEY", Help: "private key (PEM) of the client certificate", File: FileSecret},
	}
	out := slices.Clone(exporter)
	for _, v := range exporter {
		v.Name = traces + v.Name[len(all):]
		v.Help, v.Default = "the same for traces alone", ""
		if v.Name == traces+"ENDPOINT" {
			v.Help = "whole URL for traces, such as http://localhost:4318/v1/traces"
		}
		out = append(out, v)
	}
	return append(out,
		Variable{Name: "OTEL_TRACES_EXPORTER", Help: "otlp: trace also without a URL, to https://localhost:4318; " +
			"none: do not trace; unset: trace if a URL is set"},
		Variable{Name: "OTEL_SDK_DISABLED", Help: "true: do not trace; anything else is false", Default: "false"},
		Variable{Name: "OTEL_SERVICE_NAME", Help: "name of the service in traces; unset: the program's"},
		Variable{Name: "OTEL_RESOURCE_ATTRIBUTES", Help: "attributes of all spans: key=value, separated by commas, " +
			"the values percent-encoded"},
		Variable{
			Name: "OTEL_TRACES_SAMPLER", Default: "parentbased_always_on",
			Help: "which traces are kept: always_on, always_off, traceidratio, and each with parentbased_ before it",
		},
		Variable{Name: "OTEL_TRACES_SAMPLER_ARG", Default: "1", Help: "the part that traceidratio keeps, from 0 to 1"},
		Variable{Name: "OTEL_BSP_SCHEDULE_DELAY", Default: "5000", Help: "milliseconds between two requests to the " +
			"collector"},
		Variable{Name: "OTEL_BSP_EXPORT_TIMEOUT", Default: "30000", Help: "milliseconds for one batch of spans, with " +
			"its retries"},
		Variable{Name: "OTEL_BSP_MAX_QUEUE_SIZE", Default: "2048", Help: "spans that wait for the collector at most; " +
			"others are dropped"},
		Variable{Name: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", Default: "512", Help: "spans in one request"},
	)
}
