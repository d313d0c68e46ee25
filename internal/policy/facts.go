package policy

import (
	"strings"
	"time"
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
