package consoletest

import (
	"strconv"
	"time"
)

// stamp is a moment in microseconds since 1970, 0 for never. A console of 100,000
// users holds half a million of them, which is why it is no time.Time.
type stamp int64

// The console writes two precisions, `…51.087759Z` and `…15Z`; both are in one
// captured service user.
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

// seconds is the short form; what it drops is zero in stamps made by wholeSeconds.
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

// text is an id as the console writes it; "" for none.
func text(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// optional is an id that is null or left out where there is none.
func optional(id int64) *string {
	if id == 0 {
		return nil
	}
	s := text(id)
	return &s
}
