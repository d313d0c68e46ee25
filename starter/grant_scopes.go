package main

import (
	"context"

	"github.com/spf13/pflag"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// repeatedFlag is a flag that may be passed several times: the first value goes where the flag
// has stored its only one before.
type repeatedFlag struct {
	pflag.Value

	further *[]string
	given   bool
}

// repeat lets a flag be passed several times.
func repeat(f *pflag.Flag, further *[]string) {
	f.Value = &repeatedFlag{Value: f.Value, further: further}
}

// Set implements [pflag.Value].
func (r *repeatedFlag) Set(text string) error {
	if r.given {
		*r.further = append(*r.further, text)
		return nil
	}
	r.given = true
	return r.Value.Set(text)
}

// addScopes makes the grant one for several scopes, if --scope was passed several times.
func (p *app) addScopes(ctx context.Context, in *wire.GrantInput, o grantOptions) error {
	if len(o.furtherScopes) == 0 {
		return nil
	}
	in.Scopes, in.Scope = []access.ScopeSelector{in.Scope}, access.ScopeSelector{}
	for _, text := range o.furtherScopes {
		t := o.selectorFlags
		t.scope = text
		_, s, err := p.roleAndScope(ctx, t, "")
		if err != nil {
			return err
		}
		in.Scopes = append(in.Scopes, s)
	}
	return nil
}
