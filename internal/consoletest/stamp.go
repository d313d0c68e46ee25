package consoletest

import (
	"strconv"
	"time"
)

// stamp is a time in microseconds since 1970, 0 for never. It is not a time.Time because a
// console of 100,000 users holds half a million stamps.
type stamp int64

// The console writes two precisions, `…51.087759Z` and `…15Z`; one captured service user has
// both.
const (
	microLayout  = "2006-01-02T15:04:05.000000Z"
	secondLayout = "2006-01-02T15:04:05Z"
)

func stampOf(t time.Time) stamp { return stamp(t.UnixMicro()) }

func (s stamp) utc() time.Time { return time.UnixMicro(int64(s)).UTC() }

// pointer is nil for never.
func (s stamp) pointer() *time.Time {
	if s == 0 {
		return nil
	}
	t := s.utc()
	return &t
}

// micros is the usual form, nil (JSON null) for never.
func (s stamp) micros() *string { return s.format(microLayout) }

// seconds is the short form, for stamps made by wholeSeconds: it drops the fraction.
func (s stamp) seconds() *string { return s.format(secondLayout) }

func (s stamp) format(layout string) *string {
	if s == 0 {
		return nil
	}
	text := s.utc().Format(layout)
	return &text
}

func (s stamp) wholeSeconds() stamp { return s - s%1_000_000 }

func stampFrom(t *time.Time) stamp {
	if t == nil {
		return 0
	}
	return stampOf(*t)
}

// text formats an id as the console does; "" for none.
func text(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// optional formats an id; nil for none, which becomes null or an absent field.
func optional(id int64) *string {
	if id == 0 {
		return nil
	}
	s := text(id)
	return &s
}
