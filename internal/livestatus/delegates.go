package livestatus

import (
	"context"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/workflows"
)

// delegates completes whom a request asks with those to whom they have handed their
// decisions, so that who decides needs no database to find what waits for them.
func (q *queryInterceptor) delegates(ctx context.Context, status workflows.RequestStatus) workflows.RequestStatus {
	asked := askedInPerson(status)
	if len(asked) == 0 {
		return status
	}
	handed, err := q.source.Delegations(ctx, store.DelegationsQuery{
		Console: status.Plan.Console, At: q.now(), By: asked,
	})
	if err != nil {
		return status // the workflow's own answer stands
	}
	consent := *status.Consent
	consent.Delegates = nil
	for _, d := range handed {
		if maySpeak(status, d.To) && q.doubt(d) == nil {
			consent.Delegates = append(consent.Delegates, workflows.Deputy{By: d.By, To: d.To, Until: d.Until})
		}
	}
	slices.SortStableFunc(consent.Delegates, func(a, b workflows.Deputy) int {
		return rank(asked, a.By) - rank(asked, b.By) // as the worker looks for them
	})
	status.Consent = &consent
	return status
}

// askedInPerson are those whom the open step names and who have not decided; nobody where
// everybody may.
func askedInPerson(s workflows.RequestStatus) []string {
	c := s.Consent
	if s.Plan == nil || c == nil || c.Verdict != "" || s.Result != nil || slices.Contains(c.From, access.Anyone) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.People), func(who string) bool {
		_, has := access.HasDecided(c.Decisions, who)
		return has
	})
}

// maySpeak says whether somebody may decide for another: who is asked themselves does so
// in their own name, and who asks or gets it has no say at all.
func maySpeak(s workflows.RequestStatus, who string) bool {
	by := access.Fold(who)
	_, has := access.HasDecided(s.Consent.Decisions, by)
	return !has && by != access.Fold(s.Requester) && by != access.Fold(s.Plan.Principal.Email) &&
		!slices.Contains(s.Consent.People, by)
}

// doubt says why a delegation does not count, or nil.
func (q *queryInterceptor) doubt(d access.Delegation) error {
	for _, holds := range q.holds {
		if err := holds(d); err != nil {
			return err
		}
	}
	return nil
}

func rank(people []string, who string) int { return slices.Index(people, access.Fold(who)) }
