package connection

import (
	"encoding/json"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Evidence is what the checks of a console have found so far. A nil part is unknown. Every time is in UTC. All of it is
// bounded, whatever the console holds, since it passes through Temporal.
type Evidence struct {
	Console   string    `json:"console"` // host and port of the base URL
	CheckedAt time.Time `json:"checkedAt"`
	// ReadOnly says that the worker rejects every write, so that no permission to write is needed.
	ReadOnly bool `json:"readOnly,omitempty"`

	Reachable     *Finding `json:"reachable,omitempty"`
	Authenticated *Finding `json:"authenticated,omitempty"`

	Permissions *Permissions `json:"permissions,omitempty"`
	Sites       *Sites       `json:"sites,omitempty"`
	// Running is a sync that receives data now; nil for none.
	Running   *Running   `json:"running,omitempty"`
	FullSync  *Sync      `json:"fullSync,omitempty"`
	DeltaSync *DeltaSync `json:"deltaSync,omitempty"`
	Changes   *Changes   `json:"changes,omitempty"`
	Drift     *Drift     `json:"drift,omitempty"`
	Ledger    *Ledger    `json:"ledger,omitempty"`
	Token     *Token     `json:"token,omitempty"`
	// ServiceUserTokens are the tokens of all service users, by the latest proven sync.
	ServiceUserTokens *ServiceUserTokens `json:"serviceUserTokens,omitempty"`
	// Faults say what could not be looked up, one sentence each.
	Faults []string `json:"faults,omitempty"`
}

// ReadEvidence reads what a check has kept in the store; nil for nil. Fields of newer versions are left out.
func ReadEvidence(kept []byte) (*Evidence, error) {
	if kept == nil {
		return nil, nil
	}
	var out Evidence
	if err := json.Unmarshal(kept, &out); err != nil {
		return nil, fmt.Errorf("read what the last check of the connection has found: %w", err)
	}
	return &out, nil
}

// Finding is one fact that each check finds anew.
type Finding struct {
	OK bool      `json:"ok"`
	At time.Time `json:"at"`
	// LastOK is when it last held; nil if that was never seen.
	LastOK *time.Time `json:"lastOk,omitempty"`
	Detail string     `json:"detail,omitempty"` // what the console answered, or why not
}

// Use is what a permission is needed for.
type Use string

// Permissions are needed to read, for a sync, or to write, for grants, revokes and accounts.
const (
	Read  Use = "read"
	Write Use = "write"
)

// Permissions are those of the role that the token has.
type Permissions struct {
	At time.Time `json:"at"`
	// Needed lists each permission that the worker needs, those to read first.
	Needed []Permission `json:"needed"`
	// Excessive names permissions that the role grants and the worker never needs, at most [MaxListed];
	// ExcessiveCount counts all. Both are only known if RoleKnown.
	Excessive      []string `json:"excessive,omitempty"`
	ExcessiveCount int      `json:"excessiveCount,omitempty"`
	// RoleKnown says that the console told which permissions the token's role has.
	RoleKnown bool   `json:"roleKnown"`
	Role      string `json:"role,omitempty"` // its name
}

// Permission is one that the worker needs.
type Permission struct {
	Name string `json:"name"` // as in the console's role editor: "Users.view"
	Use  Use    `json:"use"`
	// Granted is nil where it cannot be told: a permission to write cannot be tried without a change.
	Granted *bool  `json:"granted"`
	Proof   string `json:"proof,omitempty"` // how that is known
}

// Sites says how far the token sees.
type Sites struct {
	At   time.Time `json:"at"`
	Seen int       `json:"seen"` // sites that the console lists to the token
	// Of is how many sites the accounts that the token sees say that they have; nil where they do not.
	Of *int `json:"of,omitempty"`
}

// Running is a sync that has not ended.
type Running struct {
	WorkflowID string    `json:"workflowId"`
	StartedAt  time.Time `json:"startedAt"`
}

// Sync is the state of the snapshots that readers see.
type Sync struct {
	// ProvenAt is when the oldest of the collections was last proven; nil before a sync has proven each of them.
	ProvenAt *time.Time `json:"provenAt"`
	// Unread lists the collections that no sync has proven.
	Unread []string `json:"unread,omitempty"`
	// QuarantinedSince is when the oldest snapshot that waits for a person was quarantined; nil for none.
	QuarantinedSince *time.Time `json:"quarantinedSince,omitempty"`
	Quarantined      int        `json:"quarantined,omitempty"`
}

// DeltaSync is how far delta syncs have read the activity feed.
type DeltaSync struct {
	// At is when the feed was read last. A full sync reads as far, so it counts too.
	At time.Time `json:"at"`
	// Why says why the next delta sync must be a full one; "" if it can go on.
	Why string `json:"why,omitempty"`
	// Every is the interval at which a schedule starts delta syncs; 0 where none does. Paused says that there is one,
	// and that somebody has paused it.
	Every  access.Duration `json:"every,omitempty"`
	Paused bool            `json:"paused,omitempty"`
	// Missed of Changes were not named by the feed between the last two full syncs. MeasuredAt is when that was
	// counted; nil before the first time.
	Missed     int        `json:"missed,omitempty"`
	Changes    int        `json:"changes,omitempty"`
	MeasuredAt *time.Time `json:"measuredAt,omitempty"`
}

// Changes are the writes to the console.
type Changes struct {
	// ProvenAt is when the latest change that gave or ended access was proven by reading; nil before the first.
	ProvenAt *time.Time `json:"provenAt"`
	Request  string     `json:"request,omitempty"` // workflow id
	// WaitingSince is since when the step that waits longest has not succeeded; nil if none waits.
	WaitingSince *time.Time `json:"waitingSince,omitempty"`
	Waiting      int        `json:"waiting,omitempty"`
	WaitingFor   string     `json:"waitingFor,omitempty"` // workflow id of its request
}

// Drift is what the ledger does not explain, by kind.
type Drift struct {
	At     *time.Time     `json:"at"` // of the explanation; nil before the first
	Counts map[string]int `json:"counts"`
}

// Ledger is the state of the ledger of the console.
type Ledger struct {
	At     time.Time `json:"at"`
	Seq    int64     `json:"seq"` // of its head; 0 if it is empty
	Sealed bool      `json:"sealed"`
	Fault  string    `json:"fault,omitempty"` // why the head's seal does not count; "" if it does
}

// Token is the API token of the worker.
type Token struct {
	At     time.Time  `json:"at"`
	EndsAt *time.Time `json:"endsAt"` // nil where the console does not say
}

// ServiceUserTokens are the tokens of service users that end soon.
type ServiceUserTokens struct {
	At time.Time `json:"at"` // of the snapshot
	// Ending lists the tokens that end within the first of [TokenWarningDays], the next to end first, at most
	// [MaxListed]; EndingCount counts all.
	Ending      []TokenEnd `json:"ending,omitempty"`
	EndingCount int        `json:"endingCount"`
	// Ended counts the tokens that have ended already.
	Ended int `json:"ended,omitempty"`
}

// TokenEnd is the end of the token of one service user.
type TokenEnd struct {
	ID     string    `json:"id"`
	Name   string    `json:"name,omitempty"`
	EndsAt time.Time `json:"endsAt"`
}

// MaxListed bounds each list in [Evidence].
const MaxListed = 20

// TokenWarningDays are how many days before its end people are warned of a token, once each.
func TokenWarningDays() []int { return []int{30, 14, 3, 1} }

// WarningDue is the number of days of the latest warning that is due, out of [TokenWarningDays]; 0 for none. No
// warning is due once the token has ended, which the status shows.
func WarningDue(ends, now time.Time) int {
	left, due := ends.Sub(now), 0
	for _, days := range TokenWarningDays() {
		if left > 0 && left <= time.Duration(days)*day {
			due = days
		}
	}
	return due
}

const day = 24 * time.Hour
