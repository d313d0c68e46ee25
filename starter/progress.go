package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// display picks bars for a terminal, lines elsewhere and nothing for programs.
func (p *app) display() display {
	switch {
	case p.output.json:
		return silent{}
	case isTerminal(p.err):
		return newBars(p.err)
	default:
		return &lines{w: p.err, last: map[access.Collection]progressKey{}}
	}
}

type silent struct{}

func (silent) show(pendingObservation) {}
func (silent) end()                    {}

// lines prints what changed since the last look, for logs and pipes.
type lines struct {
	w       io.Writer
	said    string
	trouble string
	last    map[access.Collection]progressKey
}

// progressKey decides whether a collection is worth a new line.
type progressKey struct {
	state, waiting string
	attempt, step  int
}

func (l *lines) show(s pendingObservation) {
	if s.trouble != l.trouble {
		l.trouble = s.trouble
		if s.trouble != "" {
			writef(l.w, "%s\n", s.trouble)
		}
	}
	if s.status == nil {
		return
	}
	if said := stateLine(*s.status); said != l.said {
		l.said = said
		writef(l.w, "%s\n", said)
	}
	for _, c := range access.Collections() {
		status, ok := s.status.Collections[string(c)]
		if !ok || status.State == wire.CollectionWaiting {
			continue
		}
		key := progressKey{status.State, status.Waiting, status.Attempt, stepOf(status)}
		if l.last[c] != key {
			l.last[c] = key
			writef(l.w, "  %s: %s\n", c, progressText(status))
		}
	}
}

func (*lines) end() {}

// stepOf cuts a walk into ten steps, or into steps of five pages where its length
// is not known.
func stepOf(s wire.CollectionStatus) int {
	if s.Expected == nil || *s.Expected == 0 {
		return s.Pages / 5
	}
	return 10 * s.Rows / *s.Expected
}

func stateLine(s wire.SyncStatus) string {
	if s.Waiting == "" {
		return s.State
	}
	return s.State + ", waiting " + describe.Text(s.Waiting)
}

// progressText describes one collection: "draining, 4000 of 20000 rows, 4 pages".
func progressText(s wire.CollectionStatus) string {
	rows := strconv.Itoa(s.Rows)
	if s.Expected != nil {
		rows += " of " + strconv.Itoa(*s.Expected)
	}
	text := fmt.Sprintf("%s, %s rows, %s", s.State, rows, describe.Plural(s.Pages, "page"))
	if s.Attempt > 1 {
		text += fmt.Sprintf(", walk %d", s.Attempt)
	}
	if s.Waiting != "" {
		text += ", waiting: " + describe.Text(s.Waiting)
	}
	return text
}

// bars draws one bar per collection and what is waited for above them.
type bars struct {
	writer   progress.Writer
	rendered chan struct{}
	trackers map[access.Collection]*progress.Tracker
}

const (
	barLength    = 30
	redrawEvery  = 100 * time.Millisecond
	unknownTotal = 0 // makes a bar that only moves to and fro
)

func newBars(w io.Writer) *bars {
	b := &bars{
		writer: progress.NewWriter(), rendered: make(chan struct{}),
		trackers: map[access.Collection]*progress.Tracker{},
	}
	b.writer.SetOutputWriter(w)
	b.writer.SetTrackerLength(barLength)
	b.writer.SetUpdateFrequency(redrawEvery)
	b.writer.SetTrackerPosition(progress.PositionRight)
	b.writer.SetSortBy(progress.SortByIndex)
	b.writer.Style().Visibility.ETA = false
	b.writer.Style().Visibility.Speed = false
	b.writer.Style().Visibility.TrackerOverall = false
	go func() {
		defer close(b.rendered)
		b.writer.Render()
	}()
	return b
}

func (b *bars) show(s pendingObservation) {
	pinned := s.trouble
	if s.status != nil {
		pinned = cmp.Or(pinned, stateLine(*s.status))
		for i, c := range access.Collections() {
			if status, ok := s.status.Collections[string(c)]; ok {
				b.move(uint64(i), c, status)
			}
		}
	}
	b.writer.SetPinnedMessages(describe.Text(pinned))
	if s.over && s.failure == nil {
		for _, t := range b.trackers {
			t.MarkAsDone()
		}
	}
}

func (b *bars) move(index uint64, c access.Collection, s wire.CollectionStatus) {
	t := b.trackers[c]
	if t == nil {
		t = &progress.Tracker{Index: index, Message: string(c), Total: unknownTotal, AutoStopDisabled: true}
		b.trackers[c] = t
		b.writer.AppendTracker(t)
	}
	if s.Expected != nil {
		t.UpdateTotal(int64(*s.Expected))
	}
	t.SetValue(int64(s.Rows))
	message := string(c)
	switch {
	case s.Waiting != "":
		message += ", waiting: " + describe.Shorten(describe.Text(s.Waiting), waitingLimit)
	case s.Attempt > 1:
		message += fmt.Sprintf(", walk %d", s.Attempt)
	}
	t.UpdateMessage(message)
	if s.State == wire.CollectionProven && !t.IsDone() {
		t.MarkAsDone()
	}
}

// waitingLimit is how many characters of what a sync waits for fit behind its bar.
const waitingLimit = 60

// end waits for the last frame, so that nothing is drawn over what follows. It
// asks until it is heard: a stop that comes before the drawing has begun is lost
// by the library, and waiting for it would be for ever.
func (b *bars) end() {
	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()
	for {
		b.writer.Stop()
		select {
		case <-b.rendered:
			return
		case <-tick.C:
		}
	}
}
