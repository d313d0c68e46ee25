package policy

import (
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// Kinds of request that are no change of [access.Op], for [Input.Op]. Their texts are also
// those of `for` and of the variable op.
const (
	OpCreateUser        access.Op = "createUser"        // a new user, with one permanent role
	OpCreateServiceUser access.Op = "createServiceUser" // a new service user, with one permanent role
	OpOffboard          access.Op = "offboard"          // delete a principal, or replace all its roles by one
	OpExtend            access.Op = "extend"            // move the end of a grant
	OpConfirm           access.Op = "confirm"           // promote a quarantined sync
	OpUnfreeze          access.Op = "unfreeze"          // let grants be applied again
	OpRotateToken       access.Op = access.OpRotate     // make a new API token for a service user
)

// Kinds of request, as written in conditions and in `for`.
const (
	opGrant             = string(access.OpGrant)
	opRevoke            = string(access.OpRevoke)
	opCreateUser        = string(OpCreateUser)
	opCreateServiceUser = string(OpCreateServiceUser)
	opOffboard          = string(OpOffboard)
	opExtend            = string(OpExtend)
	opConfirm           = string(OpConfirm)
	opUnfreeze          = string(OpUnfreeze)
	opRotateToken       = string(OpRotateToken)
)

// Values of the variable mode: what an offboarding does.
const (
	modeDelete   = "delete"
	modeBaseline = "baseline"
)

// allKinds are the kinds of request in the order in which messages list them.
var allKinds = []string{
	opGrant, opRevoke, opCreateUser, opCreateServiceUser, opOffboard, opExtend, opConfirm, opUnfreeze,
	opRotateToken,
}

// keysOf are the keys of a rule that have an effect for some kinds of request only.
var keysOf = []struct {
	key   string
	kinds []string
}{
	{"maxDuration", []string{opGrant, opExtend}},
	{"permanent", []string{opGrant, opCreateUser, opCreateServiceUser}},
	{"levelChange", []string{opGrant}},
	{"lastRole", []string{opGrant, opRevoke}},
	{"breakGlass", []string{opGrant}},
	// What ends access is never held up by the age of its approval, and what is decided in one
	// moment has none.
	{"approvalValidFor", []string{opGrant, opCreateUser, opCreateServiceUser, opExtend, opRotateToken}},
	{"decideWithin", asked},
	{"remindEvery", asked},
	{"escalateAfter", asked},
	{"escalateTo", asked},
}

// asked are the kinds whose approvers are asked, and have a time to decide.
var asked = []string{opGrant, opRevoke, opCreateUser, opCreateServiceUser, opOffboard, opExtend, opRotateToken}

// asksPeople returns whether approvers of the rule are asked, and have a time to decide.
func (r *rule) asksPeople() bool {
	return slices.ContainsFunc(r.ops, func(op string) bool { return slices.Contains(asked, op) })
}

// checkKinds rejects keys of a rule that have no effect for any of its kinds.
func (p *parser) checkKinds(draft *ruleDraft) {
	if len(draft.ops) == 0 { // an earlier fault says so
		return
	}
	where := "a rule for " + describe.Or(draft.ops)
	if slices.Equal(draft.ops, []string{opRevoke}) {
		where = "a rule for revokes only"
	}
	for _, k := range keysOf {
		if !slices.ContainsFunc(draft.ops, func(op string) bool { return slices.Contains(k.kinds, op) }) {
			p.rejectKeys(draft, where, k.key)
		}
	}
	if n := draft.nodes["permanent"]; n != nil && !draft.permanent && !draft.about(opGrant) {
		p.fault(n, "permanent is false in rule %q, but the role of a new account is always permanent: remove it",
			draft.name)
	}
	if n := draft.nodes["autoApprove"]; n != nil && draft.about(opConfirm) {
		p.fault(n, "autoApprove is impossible for confirm in rule %q, because a person other than the one who "+
			"started the sync confirms it: name who with approvals", draft.name)
	}
}

// kind is the kind of request, before rules for grants decide in place of others.
func (in Input) kind() string {
	switch in.Op { //nolint:exhaustive // [Input.check] refuses all others
	case access.OpDelete, access.OpReset:
		return opOffboard
	case access.OpRevoke, OpCreateUser, OpCreateServiceUser, OpOffboard, OpExtend, OpConfirm, OpUnfreeze,
		OpRotateToken:
		return string(in.Op)
	}
	switch {
	case in.NewAccount && in.Principal.Kind == access.ServiceUser:
		return opCreateServiceUser
	case in.NewAccount:
		return opCreateUser
	}
	return opGrant
}

// mode is what an offboarding does; "" for other requests.
func (in Input) mode() string {
	switch {
	case in.kind() != opOffboard:
		return ""
	case in.Op == access.OpDelete:
		return modeDelete
	case in.Op == access.OpReset:
		return modeBaseline
	}
	return in.Mode
}

// newAccount returns whether the request creates a principal.
func (in Input) newAccount() bool {
	kind := in.kind()
	return kind == opCreateUser || kind == opCreateServiceUser
}

// grants returns whether the request gives a role, or for longer: without a rule that
// allows it, it is refused.
func grants(kind string) bool {
	return kind == opGrant || kind == opCreateUser || kind == opCreateServiceUser || kind == opExtend
}

// deciding returns the kind whose rules decide: the request's own, or grant for a new account
// and an extension if no rule names them.
func (p *Policy) deciding(kind string) string {
	if kind != opGrant && grants(kind) && p.naming(kind) == nil {
		return opGrant
	}
	return kind
}

// naming is the first rule for a kind of request; nil if there is none.
func (p *Policy) naming(kind string) *rule {
	for _, rule := range p.rules {
		if rule.about(kind) {
			return rule
		}
	}
	return nil
}

// kindFor is the kind as which a rule is evaluated; "" if the rule does not apply. A rule
// that denies grants also denies new accounts and extensions that have rules of their own:
// they would be the way around it.
func (e *evaluation) kindFor(rule *rule) string {
	switch {
	case rule.about(e.facts.op):
		return e.facts.op
	case rule.deny != "" && grants(e.facts.op) && rule.about(opGrant):
		return opGrant
	}
	return ""
}

// noRule decides about a request that no rule allows. What gives access is refused. What
// ends access needs no approval, so that a gap in the policy never keeps access alive. A sync
// is confirmed, and grants are applied again, after a second person agreed. A new token gives
// all roles of its service user: only the built-in policy, which asks for one approval for
// everything, asks for one here too.
func (e *evaluation) noRule() {
	switch op := e.facts.op; {
	case grants(op) && op != opGrant:
		e.refuse("no rule for %s allows it; rules for grant do not decide about it, because %s is for %s",
			op, e.policy.naming(op), op)
	case grants(op):
		e.refuse("no rule of the policy allows it")
	case op == opRotateToken && !e.policy.isBuiltIn():
		e.refuse("no rule for %s allows it, and a new token has all roles of the service user: add a rule with "+
			"for: [%s] to the policy, which says who approves it", op, op)
	case op == opConfirm, op == opUnfreeze, op == opRotateToken:
		if rule := e.policy.naming(op); rule != nil {
			e.explain("no rule for %s matches, so that one other person decides", op)
		}
		e.result.Approval.Required = true
		if op == opRotateToken {
			e.result.Approval.DecideWithin = defaultDecideWithin
		}
		e.result.Approval.Steps = []access.ApprovalStep{{Need: 1, Groups: []string{access.Anyone}, People: []string{}}}
	}
}

// about returns whether the rule applies to a kind of request.
func (r *rule) about(op string) bool { return slices.Contains(r.ops, op) }

func (r *rule) notAbout(op string) bool { return !r.about(op) }

// String is the rule's name and line, for explanations and faults.
func (r *rule) String() string { return fmt.Sprintf("rule %q (line %d)", r.name, r.line) }
