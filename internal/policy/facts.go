package policy

import (
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// What conditions see, beside plain values: the names in the tags are the format's.
type (
	principalFacts struct {
		Kind  string `cel:"kind"`
		ID    string `cel:"id"`
		Email string `cel:"email"`
		Name  string `cel:"name"`
	}
	roleFacts struct {
		ID         string `cel:"id"`
		Name       string `cel:"name"`
		Predefined bool   `cel:"predefined"`
	}
	scopeFacts struct {
		Level   string `cel:"level"`
		ID      string `cel:"id"`
		Name    string `cel:"name"`
		Account string `cel:"account"`
	}
)

// facts are the variables of a condition, by name.
type facts struct {
	op          string
	principal   principalFacts
	role        roleFacts
	scope       scopeFacts
	requester   string
	duration    time.Duration
	permanent   bool
	levelChange bool
	breakGlass  bool
	newAccount  bool
	now         time.Time
	weekday     string
	hour        int
}

// facts are what conditions see of the question. Addresses are folded, so that a
// condition compares people and not spellings.
func (p *Policy) facts(q Question) facts {
	local := q.Now.In(p.zone)
	return facts{
		op: q.op(),
		principal: principalFacts{
			Kind: string(q.Principal.Kind), ID: q.Principal.ID, Email: Fold(q.Principal.Email), Name: q.Principal.Name,
		},
		role: roleFacts{ID: q.Role.ID, Name: q.Role.Name, Predefined: q.Role.Predefined},
		scope: scopeFacts{
			Level: string(q.Scope.Level), ID: q.Scope.ID, Name: q.Scope.Name, Account: q.Scope.Account,
		},
		requester:   Fold(q.Requester),
		duration:    time.Duration(q.Duration),
		permanent:   q.permanent(),
		levelChange: q.LevelChange,
		breakGlass:  q.BreakGlass,
		newAccount:  q.NewAccount,
		now:         q.Now,
		weekday:     strings.ToLower(local.Weekday().String()),
		hour:        local.Hour(),
	}
}

// values is the form CEL takes them in.
func (f *facts) values(groups map[string][]string) map[string]any {
	return map[string]any{
		"op": f.op, "principal": f.principal, "role": f.role, "scope": f.scope, "requester": f.requester,
		"duration": f.duration, "permanent": f.permanent, "levelChange": f.levelChange, "breakGlass": f.breakGlass,
		"newAccount": f.newAccount, "now": f.now, "weekday": f.weekday, "hour": f.hour, "groups": groups,
	}
}

// domain is a variable that has few values, all of which can be tried.
type domain struct {
	name   string
	values []func(*facts)
}

// domains are tried in every combination to find rules that can never match.
func domains() []domain {
	truth := func(name string, set func(*facts, bool)) domain {
		return domain{name, []func(*facts){
			func(f *facts) { set(f, false) }, func(f *facts) { set(f, true) },
		}}
	}
	text := func(name string, set func(*facts, string), values ...string) domain {
		d := domain{name: name}
		for _, v := range values {
			d.values = append(d.values, func(f *facts) { set(f, v) })
		}
		return d
	}
	days := make([]string, 0, 7)
	for day := time.Sunday; day <= time.Saturday; day++ {
		days = append(days, strings.ToLower(day.String()))
	}
	return []domain{
		text("op", func(f *facts, v string) { f.op = v }, opGrant, opRevoke),
		text("principal.kind", func(f *facts, v string) { f.principal.Kind = v },
			string(access.User), string(access.ServiceUser)),
		text("scope.level", func(f *facts, v string) { f.scope.Level = v },
			string(access.Tenant), string(access.AccountLevel), string(access.SiteLevel)),
		text("weekday", func(f *facts, v string) { f.weekday = v }, days...),
		truth("permanent", func(f *facts, v bool) { f.permanent = v }),
		truth("levelChange", func(f *facts, v bool) { f.levelChange = v }),
		truth("breakGlass", func(f *facts, v bool) { f.breakGlass = v }),
		truth("newAccount", func(f *facts, v bool) { f.newAccount = v }),
	}
}
