package accounts_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/tokenseal"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/accounts"
	"sentinelone-provisioner/starter/conductorone/internal/evidence"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
	"sentinelone-provisioner/starter/conductorone/internal/storetest"
)

// fakeProofs are the rotations in the ledger, by recipient.
type fakeProofs map[string]string

func (fakeProofs) Await(
	_ context.Context, run ledger.Run, _ func(authority.Record) bool,
) (authority.Record, error) {
	return authority.Record{Run: run}, nil
}

func (fakeProofs) Latest(context.Context, access.PrincipalRef) (evidence.Latest, error) {
	return evidence.Latest{}, nil
}

func (f fakeProofs) Runs(_ context.Context, id string) ([]authority.Record, error) {
	var out []authority.Record
	for recipient, sealed := range f {
		r, err := storetest.Record(ledger.Run{Request: id, ID: recipient}, access.Plan{
			Op: access.OpRotate, Principal: access.PrincipalRef{Kind: access.ServiceUser, ID: "800"},
			Rotation: &access.TokenRotation{Recipient: recipient},
		}, access.Proof{
			Op: access.OpRotate, Outcome: access.Rotated,
			Token: &access.TokenPlace{Sink: access.SinkRecipient, Sealed: sealed},
		})
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// rotates is a connector whose worker makes that token.
func rotates(t *testing.T, r *fakeRequests, token string) accounts.ServiceUsers {
	t.Helper()
	c := config(r, fakeLookup{})
	proofs := fakeProofs{}
	c.Ledger = proofs
	r.onAwait = func(n requestclient.NewRequest) {
		if in, is := n.Input.(*wire.RotateTokenInput); is && token != "" {
			sealed, err := tokenseal.Seal(in.Recipient, token)
			require.NoError(t, err)
			proofs[in.Recipient] = sealed
		}
	}
	return accounts.ServiceUsers{Config: c}
}

func rotate(s accounts.ServiceUsers) (string, error) {
	out, _, err := s.Rotate(context.Background(), resourceID(resources.ServiceUser, "800"), nil)
	if len(out) != 1 {
		return "", err
	}
	return string(out[0].GetBytes()), err
}

// The token comes from the ledger, encrypted to a key of this rotation alone. The next rotation has another key.
func TestRotate(t *testing.T) {
	t.Parallel()
	r := &fakeRequests{answers: []requestrecord.Observation{ended(wire.StateRotated, "", nil)}}
	s := rotates(t, r, "a-token")
	for range 2 {
		got, err := rotate(s)
		require.NoError(t, err)
		require.Equal(t, "a-token", got)
	}
	first, is := r.started[0].Input.(*wire.RotateTokenInput)
	require.True(t, is)
	second, is := r.started[1].Input.(*wire.RotateTokenInput)
	require.True(t, is)
	require.NotEqual(t, first.Recipient, second.Recipient)
	require.Equal(t, r.started[0].ID, r.started[1].ID)
	require.Regexp(t, `^rotate/c1-[a-z2-7]{16}$`, r.started[0].ID)
	require.Equal(t, access.PrincipalSelector{Kind: access.ServiceUser, ID: "800"}, first.Principal)
}

// A task that comes again opens the token of the request that it attached to, also one that was made meanwhile.
func TestRotate_PendingThenRetry(t *testing.T) {
	t.Parallel()
	r := &fakeRequests{answers: []requestrecord.Observation{running(wire.StateAwaitingApproval, "for soc-leads")}}
	s := rotates(t, r, "")
	_, err := rotate(s)
	requireCode(t, codes.FailedPrecondition, err, "soc-leads", "starter approve rotate/c1-")
	in, is := r.started[0].Input.(*wire.RotateTokenInput)
	require.True(t, is)
	sealed, err := tokenseal.Seal(in.Recipient, "approved-meanwhile")
	require.NoError(t, err)
	s.Ledger = fakeProofs{in.Recipient: sealed}
	got, err := rotate(s)
	require.NoError(t, err)
	require.Equal(t, "approved-meanwhile", got)
	require.Len(t, r.started, 1, "no second rotation")
}

// A request for a key that is lost is cancelled, and one that was refused or made an unreadable token says what to do.
func TestRotate_NotDone(t *testing.T) {
	t.Parallel()
	r := &fakeRequests{answers: []requestrecord.Observation{ended(wire.StateRotated, "", nil)}}
	r.before = running(wire.StateAwaitingApproval, "for soc-leads")
	r.before.Status.Plan = &access.Plan{Rotation: &access.TokenRotation{Recipient: "age1of-a-connector-that-is-gone"}}
	_, err := rotate(rotates(t, r, "a-token"))
	require.NoError(t, err)
	require.Equal(t, ids(r.started), r.cancelled)

	r.before = requestrecord.Observation{}
	_, err = rotate(rotates(t, r, ""))
	requireCode(t, codes.FailedPrecondition, err, "rotate the token again")

	r.answers = []requestrecord.Observation{ended(wire.StateRefused, "set ALLOWED_SIGNERS", nil)}
	_, err = rotate(rotates(t, r, ""))
	requireCode(t, codes.FailedPrecondition, err, "ALLOWED_SIGNERS")

	s := rotates(t, r, "")
	_, _, err = s.Rotate(context.Background(), resourceID(resources.User, "700"), nil)
	requireCode(t, codes.InvalidArgument, err, "only service users")
	_, _, err = accounts.ServiceUsers{}.Rotate(context.Background(), resourceID(resources.ServiceUser, "8"), nil)
	requireCode(t, codes.FailedPrecondition, err, "only reads")
}

// The key of a rotation that nobody decides is not kept for ever.
func TestRotate_KeysExpire(t *testing.T) {
	t.Parallel()
	r := &fakeRequests{answers: []requestrecord.Observation{running(wire.StateAwaitingApproval, "for soc-leads")}}
	s := rotates(t, r, "")
	at := now
	s.Now = func() time.Time { return at }
	recipient := func() string {
		_, err := rotate(s)
		require.Error(t, err)
		in, is := r.started[len(r.started)-1].Input.(*wire.RotateTokenInput)
		require.True(t, is)
		return in.Recipient
	}
	first := recipient()
	at = now.Add(7 * 24 * time.Hour)
	require.Equal(t, first, recipient())
	at = at.Add(time.Second)
	require.NotEqual(t, first, recipient())
}
