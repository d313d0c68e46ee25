package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// foldCase prepares a text for comparison that ignores case. It also drops surrounding
// spaces and NUL bytes.
func foldCase(s string) string {
	return strings.ToLower(strings.TrimSpace(strings.ReplaceAll(s, "\x00", "")))
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func microsOrNil(t *time.Time) *int64 {
	if t == nil {
		return nil
	}
	us := micros(*t)
	return &us
}

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

func timeOrZero(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return fromMicros(us.Int64)
}

func intOrNil(n sql.NullInt64) *int {
	if !n.Valid {
		return nil
	}
	v := int(n.Int64)
	return &v
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// asText drops what PostgreSQL does not accept in a text: NUL bytes and invalid UTF-8, which
// quoted responses of a console may hold.
func asText(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
}

func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode %T: %w", v, err)
	}
	return string(b), nil
}

// microsOrMax is a time in microseconds since 1970; for nil (now) the largest value, so that
// everything promoted is visible, even if the promoting machine's clock is ahead.
func microsOrMax(asOf *time.Time) int64 {
	if asOf == nil {
		return math.MaxInt64
	}
	return micros(*asOf)
}

// microsUnlessZero is a time in microseconds since 1970; nil for the zero time.
func microsUnlessZero(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	us := micros(t)
	return &us
}
