package telemetry

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// failurePause is the least time between two failures to send spans that are told: a collector that is down fails
	// each batch, many times a minute.
	failurePause = 10 * time.Minute
	// maxFailure is the most bytes of an error that are told: it can hold a page of whatever answers there.
	maxFailure = 300
	// minSecret is the fewest bytes of a header's value that is taken for a secret.
	minSecret = 6
)

// failures tells of failures to send spans, few of them and in short. It implements otel.ErrorHandler.
type failures struct {
	tell   func(error)
	hide   *strings.Replacer
	now    func() time.Time
	mu     sync.Mutex
	last   time.Time // the zero time before the first one
	silent int       // failures since the last one that was told
}

// newFailures tells failures without the secrets, which an answer can repeat.
func newFailures(tell func(error), secrets []string) *failures {
	var pairs []string
	longest := slices.Clone(secrets) // first, since the replacer takes the first that fits
	slices.SortFunc(longest, func(a, b string) int { return len(b) - len(a) })
	for _, s := range longest {
		if len(s) >= minSecret {
			pairs = append(pairs, s, "[redacted]")
		}
	}
	return &failures{tell: tell, hide: strings.NewReplacer(pairs...), now: time.Now}
}

// Handle implements otel.ErrorHandler.
func (f *failures) Handle(err error) {
	if text, due := f.next(err); due {
		f.tell(errors.New(text))
	}
}

func (f *failures) next(err error) (text string, due bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if !f.last.IsZero() && now.Sub(f.last) < failurePause {
		f.silent++
		return "", false
	}
	text = f.hide.Replace(err.Error())
	if len(text) > maxFailure {
		text = strings.ToValidUTF8(text[:maxFailure], "") + "…"
	}
	if f.silent > 0 {
		text = fmt.Sprintf("%s (and %d failures before)", text, f.silent)
	}
	f.last, f.silent = now, 0
	return text, true
}
