package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/ledger"
)

// ErrLocked says that another attempt changes the principal at present.
var ErrLocked = errors.New("another attempt changes the principal at present")

// ErrLockLost says that a lock has ended: it was not renewed in time, and another attempt
// may hold it.
var ErrLockLost = errors.New("the lock on the principal was lost")

const (
	// lockTTL is how long a lock holds without being renewed: as long as a killed worker
	// keeps the next attempt from going on. It is a little more than the heartbeat timeout
	// of activities.
	lockTTL = 20 * time.Second
	// lockRenewal is the time between renewals.
	lockRenewal = lockTTL / 4
)

// PrincipalLock lets one attempt at a time, of all processes on the database, change a
// principal. It is renewed until it is released, or until its process dies.
type PrincipalLock struct {
	s                        *Store
	console, subject, holder string

	stop context.CancelFunc
	done chan struct{} // closed when the renewals have ended
}

// LockPrincipal takes the lock of a principal: subject is its kind and id, such as
// "user/1535334414585508710". It does not wait: while another attempt holds the lock, the
// error is [ErrLocked]. The lock holds until [PrincipalLock.Release], or for twenty
// seconds after ctx or the process has ended.
func (s *Store) LockPrincipal(ctx context.Context, console, subject string) (*PrincipalLock, error) {
	l := &PrincipalLock{s: s, console: console, subject: subject, holder: rand.Text(), done: make(chan struct{})}
	taken, err := l.exec(ctx, "lock "+subject,
		`INSERT INTO principal_locks (console, subject, holder, until) VALUES ($1, $2, $3, `+s.d.nowMicros()+` + $4)
		 ON CONFLICT (console, subject) DO UPDATE SET holder = excluded.holder, until = excluded.until
		 WHERE principal_locks.until <= `+s.d.nowMicros(),
		console, subject, l.holder, lockTTL.Microseconds())
	if err != nil {
		return nil, err
	}
	if !taken {
		return nil, fmt.Errorf("%s of %s: %w", subject, console, ErrLocked)
	}
	renewing, stop := context.WithCancel(ctx)
	l.stop = stop
	go l.keep(renewing)
	return l, nil
}

// LockReconciler takes the lock of the one reconciler that is at work for a console, as [Store.LockPrincipal] does.
func (s *Store) LockReconciler(ctx context.Context, console string) (*PrincipalLock, error) {
	return s.LockPrincipal(ctx, console, "console/reconciler")
}

// keep renews the lock. One failed renewal does no harm: the next comes in time.
func (l *PrincipalLock) keep(ctx context.Context) {
	defer close(l.done)
	tick := time.NewTicker(lockRenewal)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_, _ = l.exec(ctx, "renew the lock of "+l.subject,
				`UPDATE principal_locks SET until = `+l.s.d.nowMicros()+` + $4
				 WHERE console = $1 AND subject = $2 AND holder = $3 AND until > `+l.s.d.nowMicros(),
				l.console, l.subject, l.holder, lockTTL.Microseconds())
		}
	}
}

// Held says whether the lock still holds. It is for work that is not recorded in the ledger: what is, appends with
// [PrincipalLock.Append].
func (l *PrincipalLock) Held(ctx context.Context) (bool, error) {
	held, err := count(ctx, l.s.r, "look at the lock of "+l.subject,
		`SELECT COUNT(*) FROM principal_locks
		 WHERE console = $1 AND subject = $2 AND holder = $3 AND until > `+l.s.d.nowMicros(),
		l.console, l.subject, l.holder)
	return held > 0, err
}

// Release ends the lock. It is safe to call it after the lock was lost.
func (l *PrincipalLock) Release(ctx context.Context) error {
	l.stop()
	<-l.done
	_, err := l.exec(context.WithoutCancel(ctx), "unlock "+l.subject,
		`DELETE FROM principal_locks WHERE console = $1 AND subject = $2 AND holder = $3`,
		l.console, l.subject, l.holder)
	return err
}

// Append appends to the ledger as [Store.Append] does, and only while the lock is held:
// otherwise the error is [ErrLockLost], and nothing is written. What an attempt writes to
// the console it announces this way, so that one that was overtaken sends nothing.
func (l *PrincipalLock) Append(ctx context.Context, entries ...ledger.NewEntry) ([]ledger.Entry, error) {
	return l.s.append(ctx, l.console, entries, l.check)
}

func (l *PrincipalLock) check(ctx context.Context, tx *sql.Tx) error {
	held, err := count(ctx, tx, "look at the lock of "+l.subject,
		`SELECT COUNT(*) FROM principal_locks
		 WHERE console = $1 AND subject = $2 AND holder = $3 AND until > `+l.s.d.nowMicros(),
		l.console, l.subject, l.holder)
	if err == nil && held == 0 {
		err = fmt.Errorf("%s of %s: %w", l.subject, l.console, ErrLockLost)
	}
	return err
}

// exec runs one statement in a transaction of its own and says whether it changed a row.
func (l *PrincipalLock) exec(ctx context.Context, what, statement string, args ...any) (changed bool, err error) {
	err = l.s.write(ctx, func(tx *sql.Tx) error {
		n, err := exec(ctx, tx, what, statement, args...)
		changed = n > 0
		return err
	})
	return changed, err
}
