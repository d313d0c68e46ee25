package wire

import (
	"errors"

	"sentinelone-provisioner/internal/access"
)

// Limited is an input that is held to limits: see [access.Length] and [access.ValidPerson].
// Whoever sends one checks it, and so does the validator of the update, or the workflow
// before it does anything: what is accepted stays in the history and the ledger for good,
// and Temporal terminates a workflow whose history is too large.
//
// The limits are apart from Validate, since a workflow that is replayed may have been
// started before there were any.
type Limited interface {
	// Limits returns the faults, joined; nil if there is none. The error does not repeat a
	// text that is too long.
	Limits() error
}

// maxKeyBytes is the longest key of a change: a workflow id, a run id and a step.
const maxKeyBytes = access.MaxWorkflowBytes + 200

// common checks what all requests have.
func (s Signed) common(requester, reason, console string) error {
	return errors.Join(
		personGiven("requester", requester), access.Length("reason", reason, access.MaxReasonBytes),
		access.Length("console", console, access.MaxConsoleBytes),
		access.Length("signature", s.Signature, access.MaxSignatureBytes),
	)
}

// message checks what all messages to a running workflow have.
func (s Signed) message(by, comment string) error {
	return errors.Join(personGiven("by", by), access.Length("comment", comment, access.MaxReasonBytes),
		access.Length("signature", s.Signature, access.MaxSignatureBytes))
}

// personGiven leaves it to others to say that a name is missing.
func personGiven(field, name string) error {
	if blank(name) {
		return nil
	}
	return access.ValidPerson(field, name)
}

// Limits implements [Limited].
func (in GrantInput) Limits() error {
	return errors.Join(in.Principal.Limits(), in.Role.Limits(), in.Scope.Limits(), in.limitsOfScopes(),
		in.common(in.Requester, in.Reason, in.Console))
}

// Limits implements [Limited].
func (in RevokeInput) Limits() error {
	return errors.Join(in.Principal.Limits(), in.Role.Limits(), in.Scope.Limits(),
		in.common(in.Requester, in.Reason, in.Console))
}

// Limits implements [Limited].
func (in OffboardInput) Limits() error {
	faults := []error{
		in.Principal.Limits(), in.common(in.Requester, in.Reason, in.Console),
		access.Length("mode", in.Mode, access.MaxIDBytes),
	}
	if in.Baseline != nil {
		faults = append(faults, inBaseline(in.Baseline.Role.Limits()),
			inBaseline(in.Baseline.Scope.Limits()))
	}
	return errors.Join(faults...)
}

// Limits implements [Limited].
func (in ProvisionUserInput) Limits() error {
	return errors.Join(in.Account().Limits(), in.Role.Limits(), in.Scope.Limits(),
		in.common(in.Requester, in.Reason, in.Console))
}

// Limits implements [Limited].
func (in ProvisionServiceUserInput) Limits() error {
	account := access.NewAccount{Kind: access.ServiceUser, Name: in.Name, Description: in.Description}
	return errors.Join(account.Limits(), in.Role.Limits(), in.Scope.Limits(),
		in.common(in.Requester, in.Reason, in.Console))
}

// Limits implements [Limited].
func (in DelegationInput) Limits() error {
	return errors.Join(personGiven("by", in.By), personGiven("to", in.To),
		access.Length("comment", in.Comment, access.MaxReasonBytes),
		access.Length("signature", in.Signature, access.MaxSignatureBytes),
		access.Length("console", in.Console, access.MaxConsoleBytes))
}

// Limits implements [Limited].
func (d DecisionInput) Limits() error {
	return errors.Join(Signed{Signature: d.Signature}.message(d.By, d.Comment),
		access.Length("planHash", d.PlanHash, access.MaxIDBytes))
}

// Limits implements [Limited].
func (b StopInput) Limits() error { return b.message(b.By, b.Comment) }

// Limits implements [Limited].
func (e ExtendInput) Limits() error { return e.message(e.By, e.Comment) }

// Limits implements [Limited].
func (d QuarantineDecision) Limits() error { return d.message(d.By, d.Comment) }

// Limits implements [Limited].
func (in SyncInput) Limits() error {
	faults := []error{
		access.Length("console", in.Console, access.MaxConsoleBytes), personGiven("by", in.By),
		access.Length("mode", in.Mode, access.MaxIDBytes),
	}
	for _, c := range in.Collections {
		faults = append(faults, access.Length("a collection", c, access.MaxIDBytes))
	}
	if len(in.Collections) > maxCollections {
		faults = append(faults, errors.New("collections lists too many: name each once"))
	}
	return errors.Join(faults...)
}

// maxCollections is more than there are.
const maxCollections = 100

// Limits implements [Limited]. The holdings are the writer's to compare, not text.
func (r ChangeRequest) Limits() error {
	lease, waiter := r.Change.Lease, Waiter{}
	if r.Waiter != nil {
		waiter = *r.Waiter
	}
	return errors.Join(
		access.Length("waiter.workflowId", waiter.WorkflowID, access.MaxWorkflowBytes),
		access.Length("waiter.runId", waiter.RunID, access.MaxIDBytes),
		access.Length("waiter.activityId", waiter.ActivityID, access.MaxIDBytes),
		access.Length("key", r.Key, maxKeyBytes),
		access.Length("request", r.Request, access.MaxWorkflowBytes),
		access.Length("change.op", string(r.Change.Op), access.MaxIDBytes),
		access.Length("change.lease.id", lease.ID, maxKeyBytes),
		access.Length("change.lease.roleId", lease.RoleID, access.MaxIDBytes),
		access.Length("change.lease.scopeId", lease.ScopeID, access.MaxIDBytes))
}
