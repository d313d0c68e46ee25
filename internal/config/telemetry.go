package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	"sentinelone-provisioner/internal/envvar"
)

// Validate returns all faults of the logging and metrics settings, joined.
func (t Telemetry) Validate() error {
	var faults []error
	var level slog.Level
	if err := level.UnmarshalText([]byte(t.Level)); err != nil {
		faults = append(faults, fmt.Errorf("LOG_LEVEL is %s: set it to debug, info, warn or error",
			envvar.Shown(t.Level)))
	}
	if t.Format != "" && t.Format != "console" && t.Format != "json" {
		faults = append(faults, fmt.Errorf("LOG_FORMAT is %s: set it to console or json", envvar.Shown(t.Format)))
	}
	if t.Metrics != "" {
		_, port, err := net.SplitHostPort(t.Metrics)
		// With port 0, or none, the system chooses one that no Prometheus and no probe knows.
		if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || n == 0 {
			faults = append(faults, fmt.Errorf(
				"METRICS_ADDRESS is %s: set it to host and port, such as localhost:9464", envvar.Shown(t.Metrics)))
		}
	}
	return errors.Join(faults...)
}
