package reconciler

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	sdklog "go.temporal.io/sdk/log"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/fault"
)

// stage is what is to be done next about a claim.
type stage int

const (
	releasing  stage = iota // the access is in force
	confirming              // it was released, and a later read is to confirm it
	following               // people are to be told, and the writer to be mended
)

// job is the work on one claim.
type job struct {
	claim    Claim
	stage    stage
	since    time.Time // when the stage began
	attempts int32     // at the stage
	next     time.Time // when the next attempt may be made
	at       bool      // an attempt is being made
}

// result is how an attempt ended.
type result struct {
	job      *job
	done     bool
	released bool
	err      error
}

// adopt makes jobs of new claims, and forgets those that others have released.
func (t *Ticker) adopt(claims []Claim) {
	now := time.Now()
	overdue := map[string]bool{}
	for _, c := range claims {
		id := c.Run.String()
		overdue[id] = true
		if t.jobs[id] != nil {
			continue
		}
		if t.o.ReadOnly {
			t.o.Log.Error("Access is overdue, and SENTINELONE_READ_ONLY forbids to release it", attributes(c)...)
		} else {
			t.o.Log.Warn("Access is overdue: the system releases it", attributes(c)...)
		}
		t.jobs[id] = &job{claim: c, since: now}
	}
	for id, j := range t.jobs {
		if j.stage == releasing && !j.at && !overdue[id] {
			delete(t.jobs, id)
		}
	}
}

func attributes(c Claim) []any {
	return []any{"request", c.Run.Request, "run", c.Run.ID, "principal", c.Principal.String(), "due", c.Due}
}

// waiting are the jobs that no attempt is made at, those first that were tried least.
func (t *Ticker) waiting() []*job {
	var out []*job
	for _, j := range t.jobs {
		if !j.at && (!t.o.ReadOnly || j.stage != releasing) {
			out = append(out, j)
		}
	}
	slices.SortFunc(out, func(a, b *job) int {
		return cmp.Or(cmp.Compare(a.stage, b.stage), cmp.Compare(min(a.attempts, 1), min(b.attempts, 1)),
			a.next.Compare(b.next), a.claim.Due.Compare(b.claim.Due))
	})
	return out
}

// startDue begins attempts at the jobs that are due, as far as there are slots. While the console is down, that is one.
func (t *Ticker) startDue(ctx context.Context) {
	probes := slots
	if t.failed >= failuresInRow {
		probes = 1 - t.running
	}
	now := time.Now()
	for _, j := range t.waiting() {
		switch {
		case t.running >= slots:
			return
		case j.next.After(now) || t.busy[j.claim.Principal.String()]:
		case j.stage == following: // which asks nothing of the console
			t.start(ctx, j)
		case probes > 0:
			probes--
			t.start(ctx, j)
		}
	}
}

// nextDue fires when a read that confirms a release is due; other jobs wait for the next look.
func (t *Ticker) nextDue() <-chan time.Time {
	var first time.Time
	for _, j := range t.jobs {
		if j.stage == confirming && !j.at && (first.IsZero() || j.next.Before(first)) {
			first = j.next
		}
	}
	if first.IsZero() || t.running >= slots || t.failed >= failuresInRow {
		return nil
	}
	return time.After(max(time.Until(first), 10*time.Millisecond))
}

func (t *Ticker) start(ctx context.Context, j *job) {
	j.attempts++
	j.at = true
	t.running++
	t.busy[j.claim.Principal.String()] = true
	t.work.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
		defer cancel()
		t.results <- t.attempt(ctx, j)
	})
}

// attempt makes one attempt at a job. It reads the job and does not change it.
func (t *Ticker) attempt(ctx context.Context, j *job) result {
	out := result{job: j}
	ctx = attempt.Outside(ctx, attempt.Runtime{
		Logger: sdklog.NewStructuredLogger(t.o.Log), Metrics: t.o.Metrics, Number: j.attempts, Since: j.since,
		MaxPause: maxPause, Client: t.client(),
	})
	switch j.stage {
	case releasing:
		out.released, out.err = t.o.Releaser.ReleaseOverdue(ctx, j.claim.Run, t.o.After)
		out.done = out.err == nil
	case confirming:
		out.done, out.err = t.o.Releaser.ConfirmRelease(ctx, j.claim.Run)
	case following:
		if c := t.client(); c != nil {
			out.err = t.o.Follow(ctx, c, j.claim)
			out.done = out.err == nil
		}
	}
	return out
}

// take notes how an attempt ended.
func (t *Ticker) take(r result) {
	j, now := r.job, time.Now()
	t.running--
	delete(t.busy, j.claim.Principal.String())
	j.at = false
	if j.stage != following {
		t.count(r)
	}
	switch {
	case j.stage == releasing && r.done && !r.released: // its request has released it, or its end has moved
		j.next = now.Add(maxPause) // the next look forgets it, unless it is still overdue
	case j.stage == releasing && r.done:
		t.o.Log.Warn("The system has released access that was overdue", attributes(j.claim)...)
		t.o.Metrics.Counter(ReleasedMetric).Inc(1)
		j.enter(confirming, now, now.Add(t.o.ConfirmAfter))
	case j.stage == confirming && r.done:
		j.enter(following, now, now)
	case j.stage == confirming && r.err == nil:
		j.next = now.Add(t.o.ConfirmAfter)
	case j.stage == following && (r.done || now.Sub(j.since) > followFor):
		delete(t.jobs, j.claim.Run.String())
	default:
		j.next = now.Add(min(max(fault.Delay(r.err), t.o.Every), maxPause))
		if j.stage == following && r.err != nil {
			t.o.Log.Warn("Cannot follow up the release of overdue access: retrying",
				append(attributes(j.claim), slog.Any("error", r.err))...)
		}
	}
}

func (j *job) enter(s stage, now, next time.Time) {
	j.stage, j.since, j.attempts, j.next = s, now, 0, next
}

// count finds out whether the console is down. Once it is back, all jobs go on.
func (t *Ticker) count(r result) {
	if r.err != nil {
		t.failed++
		return
	}
	if t.failed >= failuresInRow {
		for _, j := range t.jobs {
			if j.stage != following {
				j.next = time.Time{}
			}
		}
	}
	t.failed = 0
}
