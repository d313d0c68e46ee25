package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

func days(d time.Duration) string { return fmt.Sprintf("%d days", d/(24*time.Hour)) }

func strict(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("input is not understood: %w", err)
	}
	return nil
}

func at(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func blank(text string) bool { return strings.TrimSpace(text) == "" }
