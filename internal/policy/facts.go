package policy

import (
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Objects that conditions read. The names in the tags are part of the file format.
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

// facts are the values of the variables of conditions.
type facts struct {
	op          string
	mode        string
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

// facts derives the variables from the input. Addresses are folded, so that conditions
// compare people and not spellings.
func (p *Policy) facts(in Input) facts {
	local := in.Now.In(p.zone)
	requester := access.Fold(in.Requester)
	if mail := access.Fold(in.Principal.Email); mail != "" && in.Principal.Is(in.Requester) {
		requester = mail // one person, also where the request has their id or full name
	}
	return facts{
		op: p.deciding(in.kind()), mode: in.mode(),
		principal: principalFacts{
			Kind: string(in.Principal.Kind), ID: in.Principal.ID, Name: in.Principal.Name,
			Email: access.Fold(in.Principal.Email),
		},
		role: roleFacts{ID: in.Role.ID, Name: in.Role.Name, Predefined: in.Role.Predefined},
		scope: scopeFacts{
			Level: string(in.Scope.Level), ID: in.Scope.ID, Name: in.Scope.Name, Account: in.Scope.Account,
		},
		requester:   requester,
		duration:    time.Duration(in.Duration),
		permanent:   in.permanent(),
		levelChange: in.LevelChange,
		breakGlass:  in.BreakGlass,
		newAccount:  in.newAccount(),
		now:         in.Now,
		weekday:     strings.ToLower(local.Weekday().String()),
		hour:        local.Hour(),
	}
}

// values are the facts by variable, as CEL takes them.
func (f *facts) values(groups map[string][]string) map[string]any {
	return map[string]any{
		"op": f.op, "mode": f.mode, "principal": f.principal, "role": f.role, "scope": f.scope,
		"requester": f.requester,
		"duration":  f.duration, "permanent": f.permanent, "levelChange": f.levelChange, "breakGlass": f.breakGlass,
		"newAccount": f.newAccount, "now": f.now, "weekday": f.weekday, "hour": f.hour, "groups": groups,
	}
}
