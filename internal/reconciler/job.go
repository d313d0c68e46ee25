package reconciler

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	sdklog "go.temporal.io/sdk/log"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
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

// before says whether a job is attempted before another: releases before the rest, those first that were tried least.
func (j *job) before(o *job) bool {
	return cmp.Or(cmp.Compare(j.stage, o.stage), cmp.Compare(min(j.attempts, 1), min(o.attempts, 1)),
		j.next.Compare(o.next), j.claim.Due.Compare(o.claim.Due)) < 0
}

// first is the job to attempt next; nil for none. It looks at each job once: there may be tens of thousands, and each
// result asks for the next one. probe is false while no call to the console may be made.
func (t *Ticker) first(now time.Time, probe bool) *job {
	var out *job
	for _, j := range t.jobs {
		switch {
		case j.at || j.next.After(now) || t.o.ReadOnly && j.stage == releasing:
		case j.stage != following && !probe: // following asks nothing of the console
		case out != nil && !j.before(out):
		case !t.busy[j.claim.Principal.String()]:
			out = j
		}
	}
	return out
}

// startDue begins attempts at the jobs that are due, as far as there are slots. While the console is down, that is one.
func (t *Ticker) startDue(ctx context.Context) {
	probes := slots
	if t.failed >= failuresInRow {
		probes = 1 - t.running
	}
	now := time.Now()
	for t.running < slots {
		j := t.first(now, probes > 0)
		if j == nil {
			return
		}
		if j.stage != following {
			probes--
		}
		t.start(ctx, j)
	}
}

// nextDue fires when a read that confirms a release is due; other jobs wait for the next look.
func (t *Ticker) nextDue() <-chan time.Time {
	if t.running >= slots || t.failed >= failuresInRow {
		return nil
	}
	var first time.Time
	for _, j := range t.jobs {
		if j.stage == confirming && !j.at && (first.IsZero() || j.next.Before(first)) {
			first = j.next
		}
	}
	if first.IsZero() {
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

// count finds out whether the console is down. Once it is back, all jobs go on. An answer that is about one claim, such
// as that a user is protected, says that it is not: such claims must not slow down those behind them.
func (t *Ticker) count(r result) {
	if r.err != nil && !answered(r.err) {
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

// answered says that an attempt failed by what the console, or this project, says of the principal.
func answered(err error) bool {
	switch fault.KindOf(err) {
	case kinds.Forbidden, kinds.NotFound, kinds.Conflict, kinds.Invalid, kinds.Refused:
		return true
	case kinds.Unauthenticated, kinds.ReadOnly, kinds.RateLimited, kinds.Unavailable:
	}
	return false
}
