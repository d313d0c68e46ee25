package workflows_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// What starter signs is what the worker makes of the input that arrives, however the
// times in it were written.
func TestAsked_SurvivesTheWire(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 3, 8, 0, 0, 500, time.FixedZone("", 3600))
	grant := grantInput(90 * time.Minute)
	grant.StartAt = &start
	life := access.Duration(720 * time.Hour)
	service := wire.ProvisionServiceUserInput{Name: "ci", Requester: bobMail, TokenLife: &life}
	until := service
	until.TokenLife, until.TokenExpiresAt = nil, &start
	baseline := wire.OffboardInput{
		Principal: grant.Principal, Mode: wire.ModeBaseline, Requester: bobMail,
		Baseline: &wire.Baseline{Role: grant.Role, Scope: grant.Scope},
	}
	hashes := map[string]bool{}
	for _, in := range []interface{ Spec() access.RequestSpec }{
		&grant, new(revokeInput()), &wire.ProvisionUserInput{Email: "new@example.com", Requester: bobMail},
		&service, &until, &baseline, &wire.OffboardInput{Principal: grant.Principal, Mode: wire.ModeDelete},
	} {
		want := in.Spec().Hash()
		require.False(t, hashes[want], "each is a request of its own")
		hashes[want] = true
		text, err := json.Marshal(in)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, in))
		require.Equal(t, want, in.Spec().Hash(), string(text))
	}
	require.Equal(t, `{"op":"acquire","principal":{"kind":"user","email":"ana@example.com"},"role":{"name":"SOC"},`+
		`"scope":{"level":"site","id":"`+soc.ScopeID+`"},"terms":{"requester":"bob@example.com","reason":"INC-42",`+
		`"startAt":"2026-03-03T07:00:00.0000005Z","duration":"1h30m"}}`, inText(t, grant.Spec()))
}

func inText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// The signature goes to the plan with what was asked and when the request was started,
// and from there into the receipt.
func TestGrant_Signed(t *testing.T) {
	t.Parallel()
	s := newRequest(t)
	in := grantInput(0)
	in.Sign("armored", began.Add(-time.Minute))
	asks := planInput(grantInput(0))
	asks.Signature = &access.RequestSignature{
		Request: in.Spec(), SignedAt: in.SignedAt, At: began, Signed: access.Unsigned, Signature: "armored",
	}
	verified := *asks.Signature
	verified.Signed = "SHA256:key"
	s.on(wire.PlanActivity, asks).
		Return(wire.PlanResult{Plan: planOf(planInput(grantInput(0))), Signature: &verified}, nil).Once()
	s.on(wire.ApplyActivity, mock.MatchedBy(func(in wire.ApplyInput) bool {
		return in.Close != nil && in.Close.Signature != nil && reflect.DeepEqual(*in.Close.Signature, verified)
	})).Return(wire.ApplyResult{Receipt: &access.Receipt{State: wire.StateGranted}}, nil).Once()
	s.ExecuteWorkflow(wire.GrantType, in)
	require.NoError(t, s.GetWorkflowError())
}
