package signing

import (
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// checkExtensions verifies who asked for each later end, and who decided on it. It returns the
// decisions whose signatures hold, or need not, for each extension.
func (in *inspection) checkExtensions() ([][]access.Decision, error) {
	var out [][]access.Decision
	for i, x := range in.Extensions {
		valid, err := in.checkExtension(fmt.Sprintf("extension %d", i+1), x)
		if err != nil {
			return nil, err
		}
		out = append(out, valid)
	}
	return out, nil
}

func (in *inspection) checkExtension(name string, x access.Extension) ([]access.Decision, error) {
	asked := x.Asked
	if asked == nil {
		return nil, nil // of a version that asked nobody
	}
	if asked.Hash == asked.Seal().Hash {
		in.note(name, OK, "unchanged since people decided on it: %s", asked.Hash)
	} else {
		in.note(name, Failed, "changed since people decided on it: its hash is not %q", asked.Hash)
	}
	if err := in.checkAsker(name+", request", asked); err != nil {
		return nil, err
	}
	on := *in
	on.checks, on.Decisions = nil, x.Decisions
	on.Plan.Hash = asked.Hash // which the decisions name
	on.decisionKeys, on.delegationKeys = map[int]string{}, map[int]string{}
	if err := on.checkDecisions(); err != nil {
		return nil, err
	}
	for _, c := range on.checks {
		in.note(name+", "+c.Name, c.Result, "%s", c.Detail)
	}
	return on.valid(), nil
}

// checkAsker verifies the signature of who asked for a later end.
func (in *inspection) checkAsker(name string, x *access.ExtensionRequest) error {
	who := "by " + x.By
	if x.Signature == "" && (x.Signed == access.Unsigned || x.Signed == "") {
		in.noteUnsigned(name, in.unsigned(), who)
		return nil
	}
	v, result, err := in.verify(OfExtension(*x), x.Signature, x.Signed, x.At)
	in.noteSignature(name, who, v, result, err)
	return onlyFileError(err)
}

// checkStop verifies the signature of who cancelled the request or ended its access.
func (in *inspection) checkStop() error {
	s := in.Stop
	if s == nil {
		return nil
	}
	who := "by " + s.By
	if s.Signature == "" && s.Signed == access.Unsigned {
		in.noteUnsigned(s.Action, in.unsigned(), who)
		return nil
	}
	v, result, err := in.verify(OfStop(in.Request, in.Run, *s), s.Signature, s.Signed, s.At)
	in.noteSignature(s.Action, who, v, result, err)
	return onlyFileError(err)
}

// unsigned is the result for a name that is only claimed.
func (in *inspection) unsigned() Result {
	if in.allowed != nil {
		return Failed
	}
	return Unsigned
}
