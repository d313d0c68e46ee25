package activities

import (
	"time"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/tokensink"
)

// Accounts holds what the activities that make users and service users work with. They
// wait on the task queue of changes.
type Accounts struct {
	console *console.Client
	store   *store.Store
	tokens  tokensink.Sink
	now     func() time.Time
}

// NewAccounts wires the activities that make users and service users. tokens takes the
// tokens of the latter.
func NewAccounts(c *console.Client, s *store.Store, tokens tokensink.Sink) *Accounts {
	return &Accounts{console: c, store: s, tokens: tokens, now: time.Now}
}

// Register names every activity explicitly.
func (a *Accounts) Register(to Registry) {
	for name, fn := range map[string]any{
		UserCreateName:        a.CreateUser,
		ServiceUserCreateName: a.CreateServiceUser,
	} {
		to.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}

// CreateInput asks for the account of a plan.
type CreateInput struct {
	Request RequestInfo `json:"request"`
	// Key makes repeating the change do nothing.
	Key  string      `json:"key"`
	Plan access.Plan `json:"plan"`
	// CallOff asks that nothing more be made: it finds out what became of what was sent,
	// and takes back what is not whole.
	CallOff bool `json:"callOff,omitempty"`
}

// CreateResult is what became of it.
type CreateResult struct {
	Proof access.Proof `json:"proof"`
	// Refused says that the account is not there as it was asked for, and that asking
	// again would not change that; Message says why.
	Refused bool   `json:"refused,omitempty"`
	Message string `json:"message,omitempty"`
}
