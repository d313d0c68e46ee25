package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// fold makes texts compare without regard to case.
func fold(s string) string {
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

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// asText drops what PostgreSQL does not keep in a text, such as a NUL in an answer that
// is quoted.
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

// moment is the end of time for "now": whatever is promoted, even by a machine whose
// clock is ahead, is visible.
func moment(asOf *time.Time) int64 {
	if asOf == nil {
		return math.MaxInt64
	}
	return micros(*asOf)
}
