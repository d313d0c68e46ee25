package policy

import (
	"encoding/json"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// evaluateEach decides about a request that names several scopes, by deciding about each. It is
// refused if it would be at one of them, or if they need different approvals: one approval cannot
// stand for two.
func (p *Policy) evaluateEach(in Input, again bool) (*evaluation, error) {
	var first *evaluation
	var asked string
	for i, s := range in.Scopes {
		one := in
		one.Scope, one.Scopes = s, nil
		e, err := p.evaluate(one.WithHoldings(in.Before), again)
		if err != nil || len(e.refusals) > 0 {
			return e, err
		}
		now, err := approvalText(e.result)
		switch {
		case err != nil:
			return nil, err
		case i == 0:
			first, asked = e, now
		case now != asked:
			first.refuse("the policy decides differently about %s (rule %q) and %s (rule %q): request them separately",
				in.Scopes[0].text(), first.result.Approval.Rule, s.text(), e.result.Approval.Rule)
			first.conclude()
			return first, nil
		}
	}
	return first, nil
}

// approvalText is what a result asks for and allows, to be compared.
func approvalText(r Result) (string, error) {
	text, err := json.Marshal([]any{r.Approval, r.Rules})
	return string(text), err
}

func (s Scope) text() string {
	if s.Name == "" {
		return access.Scope{Level: s.Level, ID: s.ID}.String()
	}
	return fmt.Sprintf("%s %q (%s)", s.Level, s.Name, s.ID)
}

// scopesOf are the scopes of a plan that lists several; nil for other plans.
func scopesOf(plan access.Plan) []Scope {
	var out []Scope
	for _, s := range plan.Scopes {
		one := Scope{Level: s.Level, ID: s.ID, Name: s.Name}
		if s.Level == access.AccountLevel {
			one.Account = s.ID
		}
		out = append(out, one)
	}
	return out
}

// SetAccounts sets the accounts of the sites of the request, by the site's id.
func (in *Input) SetAccounts(bySite map[string]string) {
	if in.Scope.Level == access.SiteLevel {
		in.Scope.Account = bySite[in.Scope.ID]
	}
	for i, s := range in.Scopes {
		if s.Level == access.SiteLevel {
			in.Scopes[i].Account = bySite[s.ID]
		}
	}
}
