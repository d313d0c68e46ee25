package activities

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// MailTo says who receives e-mail besides NOTIFY_TO. Approvers do, since the policy names
// them. A requester or a delegate, whose name anybody may have typed, does if they have
// signed, if the policy names them, or if their address is in one of the domains.
func (n *Notify) MailTo(p *policy.Policy, domains []string) *Notify {
	n.policy, n.domains = p, domains
	return n
}

// addPeople says whom the event concerns, and who of them receives e-mail: those who decide
// and their delegates, or the requester.
func (n *Notify) addPeople(ctx context.Context, out *built, f recordedFacts, g ground) error {
	plan, ok := f.planAt(g.entry)
	if !ok {
		return noGround("the entry is about no plan")
	}
	requester := plan.body.Plan.Terms.Requester
	if g.ended {
		n.add(out, requester, f.signedBy() != access.Unsigned)
		return nil
	}
	s := g.approval
	if s == nil || s.Step >= len(s.Steps) {
		return nil
	}
	people := s.StepAt(s.Step).People
	for _, p := range people {
		n.add(out, p, true)
	}
	if out.pinned.Type == wire.EventDecided || len(people) == 0 {
		return nil
	}
	delegations, err := n.store.Delegations(ctx, store.DelegationsQuery{Console: n.console, At: g.at, By: people})
	if err != nil {
		return err
	}
	except := []string{requester, plan.body.Plan.Principal.Email}
	for _, d := range delegations {
		is := func(name string) bool { return access.Fold(name) == access.Fold(d.To) }
		if !slices.ContainsFunc(out.People, is) && !slices.ContainsFunc(except, is) {
			n.add(out, d.To, d.Signed != "" && d.Signed != access.Unsigned)
		}
	}
	return nil
}

// add adds a person. known says that the policy or the allowed signers name them.
func (n *Notify) add(out *built, name string, known bool) {
	name = oneLine(name, maxPerson)
	out.People = append(out.People, name)
	switch {
	case !strings.Contains(name, "@"):
	case !mailAddress.MatchString(name):
		out.leftOut = append(out.leftOut, leftOut{name, "it is not a plain e-mail address"})
	case known || n.policy != nil && n.policy.Names(name) || n.inDomain(name):
		out.Mail = append(out.Mail, name)
	default:
		out.leftOut = append(out.leftOut, leftOut{name, "the address is only a claim: it has signed nothing, " +
			"the policy does not name it, and it is in no domain of NOTIFY_MAIL_DOMAINS"})
	}
}

// mailAddress is an address without quotes, comments and routes, so that one server reads it
// as another does.
var mailAddress = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+'=-]{0,63}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)

func (n *Notify) inDomain(address string) bool {
	_, domain, _ := strings.Cut(address, "@")
	return slices.ContainsFunc(n.domains, func(d string) bool {
		if ascii, err := idna.Lookup.ToASCII(d); err == nil {
			d = ascii // addresses have it in Punycode
		}
		return strings.EqualFold(strings.TrimSuffix(d, "."), domain)
	})
}
