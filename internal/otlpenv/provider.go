package otlpenv

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"sentinelone-provisioner/internal/envvar"
)

const (
	samplerVariable = "OTEL_TRACES_SAMPLER"
	ratioVariable   = samplerVariable + "_ARG"
)

// samplers are those that OpenTelemetry for Go has.
var samplers = []string{
	"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off",
	"parentbased_traceidratio",
}

func checkSampler() error {
	name, set, _, err := envvar.Lookup(samplerVariable)
	if err != nil || set && !slices.Contains(samplers, strings.ToLower(name)) {
		return or(err, "%s is %s: set it to one of %s", samplerVariable, envvar.Shown(name),
			strings.Join(samplers, ", "))
	}
	arg, given, _, err := envvar.Lookup(ratioVariable)
	if err != nil {
		return err
	}
	if !given || !strings.HasSuffix(strings.ToLower(name), "traceidratio") {
		return nil
	}
	if ratio, err := strconv.ParseFloat(arg, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
		return fmt.Errorf("%s is %s: set it to the part of the traces that is kept, from 0 to 1, such as 0.1",
			ratioVariable, envvar.Shown(arg))
	}
	return nil
}

// number is a variable that OpenTelemetry's SDK takes as it is, without a bound.
type number struct {
	name        string
	least, most int
	unit        string
}

// maxSpans bounds what is kept in memory: a span takes some KiB.
const maxSpans = 65_536

var numbers = []number{
	{"OTEL_BSP_SCHEDULE_DELAY", 1, maxMillis, "milliseconds"},
	{"OTEL_BSP_EXPORT_TIMEOUT", 1, maxMillis, "milliseconds"},
	{"OTEL_BSP_MAX_QUEUE_SIZE", 1, maxSpans, "spans"},
	{"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, maxSpans, "spans"},
	// Below zero there is no limit.
	{"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", -1, maxLimit, "characters"},
	{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", -1, maxLimit, "characters"},
	{"OTEL_ATTRIBUTE_COUNT_LIMIT", -1, maxLimit, "attributes"},
	{"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", -1, maxLimit, "attributes"},
	{"OTEL_SPAN_EVENT_COUNT_LIMIT", -1, maxLimit, "events"},
	{"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", -1, maxLimit, "attributes"},
	{"OTEL_SPAN_LINK_COUNT_LIMIT", -1, maxLimit, "links"},
	{"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", -1, maxLimit, "attributes"},
}

const maxLimit = 1_000_000

func checkNumbers() error {
	var faults []error
	for _, n := range numbers {
		value, set, _, err := envvar.Lookup(n.name)
		if err == nil && set {
			if err = within(value, n.least, n.most, n.unit); err != nil {
				err = fmt.Errorf("%s %w", n.name, err)
			} else if value != os.Getenv(n.name) { // the SDK would take its default
				err = fmt.Errorf("%s has blanks or a line end around its value: remove them", n.name)
			}
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

func checkResource() error {
	_, _, _, nameErr := envvar.Lookup("OTEL_SERVICE_NAME")
	const name = "OTEL_RESOURCE_ATTRIBUTES"
	text, set, _, err := envvar.Lookup(name)
	if err != nil || !set {
		return errors.Join(nameErr, err)
	}
	for i, pair := range strings.Split(text, ",") {
		key, value, found := strings.Cut(pair, "=")
		if _, err := url.PathUnescape(value); !found || err != nil || strings.TrimSpace(key) == "" {
			return errors.Join(nameErr, fmt.Errorf("%s is not a list of attributes (see number %d): write "+
				"key=value, separated by commas, with percent-encoded values", name, i+1))
		}
	}
	return nameErr
}
