package access_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// The name of a service user that takes another one's place follows from the request, does not grow, and is one that a
// console accepts.
func TestSuccessorName(t *testing.T) {
	t.Parallel()
	first := access.SuccessorName("svc.worker", "rotate/CHG-1#run")
	require.Regexp(t, `^svc\.worker #[0-9a-f]{8}$`, first)
	require.Equal(t, first, access.SuccessorName("svc.worker", "rotate/CHG-1#run"))
	second := access.SuccessorName(first, "rotate/CHG-2#run")
	require.Regexp(t, `^svc\.worker #[0-9a-f]{8}$`, second)
	require.NotEqual(t, first, second)
	require.Regexp(t, `^team #1 #[0-9a-f]{8}$`, access.SuccessorName("team #1", "x"))
	require.Regexp(t, `^#[0-9a-f]{8}$`, strings.TrimSpace(access.SuccessorName("", "x")))
	long := access.SuccessorName(strings.Repeat("ü", 255), "x")
	require.Equal(t, 255, utf8.RuneCountInString(long))
	require.NoError(t, access.NewAccount{Kind: access.ServiceUser, Name: long}.Validate())
}

// Whoever signed for one kind of rotation has not signed for the other, and the worker's own token goes to nobody.
func TestTokenRotation_Own(t *testing.T) {
	t.Parallel()
	ends := time.Date(2035, 3, 1, 9, 0, 0, 0, time.UTC)
	of := access.PrincipalRef{Kind: access.ServiceUser, ID: "7"}
	spec := access.RequestSpec{
		Op: access.OpRotate, Principal: access.PrincipalSelector{Kind: access.ServiceUser, ID: "7"},
		Rotation: &access.TokenRotation{ExpiresAt: ends},
	}
	plan := access.Plan{Op: access.OpRotate, Principal: of, Rotation: &access.TokenRotation{ExpiresAt: ends, Own: true}}
	require.Equal(t, []string{"token"}, spec.Differences(plan))
	spec.Rotation.Own = true
	require.Empty(t, spec.Differences(plan))
	require.NoError(t, plan.Rotation.Validate())
	plan.Rotation.Recipient = "age1" + strings.Repeat("q", 58)
	require.ErrorContains(t, plan.Rotation.Validate(), "leave one out")
}
