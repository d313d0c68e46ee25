package accounts_test

import (
	"context"
	"errors"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/accounts"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
)

type (
	annotationsOf = annotations.Annotations
)

func deleteUser(r *fakeRequests, l fakeLookup) error {
	_, err := accounts.Users{Config: config(r, l)}.Delete(
		context.Background(), resourceID(resources.User, "700"), nil)
	return err
}

func TestDelete_Offboards(t *testing.T) {
	t.Parallel()
	r := &fakeRequests{answers: []requestrecord.Observation{ended(wire.StateOffboarded, "", nil)}}
	require.NoError(t, deleteUser(r, seen("700")))
	_, err := accounts.ServiceUsers{Config: config(r, fakeLookup{})}.Delete(
		context.Background(), resourceID(resources.ServiceUser, "700"), nil)
	require.NoError(t, err)
	require.NotEqual(t, r.started[0].ID, r.started[1].ID, "ids of users and service users do not mix")
	require.Regexp(t, `^offboard/c1-[a-z2-7]{16}$`, r.started[0].ID)
	in, is := r.started[1].Input.(*wire.OffboardInput)
	require.True(t, is)
	require.Equal(t, wire.ModeDelete, in.Mode)
	require.Equal(t, access.PrincipalSelector{Kind: access.ServiceUser, ID: "700"}, in.Principal)
	require.Equal(t, requester, in.Requester)
}

func TestDelete_NotDone(t *testing.T) {
	t.Parallel()
	pending := &fakeRequests{answers: []requestrecord.Observation{running(wire.StateAwaitingApproval, "for hr")}}
	requireCode(t, codes.FailedPrecondition, deleteUser(pending, seen("700")), "for hr", "starter approve offboard/c1-")
	// System users and the token's own user: the plan says so.
	why := "user 700 is a system user of the console: its roles cannot be changed; choose another user"
	refused := &fakeRequests{answers: []requestrecord.Observation{ended(wire.StateRefused, why, nil)}}
	requireCode(t, codes.FailedPrecondition, deleteUser(refused, seen("700")), why)
	denied := &fakeRequests{answers: []requestrecord.Observation{ended(wire.StateDenied, "denied by carol", nil)}}
	requireCode(t, codes.PermissionDenied, deleteUser(denied, seen("700")), "denied by carol")
	_, err := accounts.Users{Config: config(refused, fakeLookup{})}.Delete(
		context.Background(), resourceID(resources.Role, "1"), nil)
	requireCode(t, codes.InvalidArgument, err, "only users and service users")
}

// Who is gone is deleted. What is not known is a failure.
func TestDelete_GoneAlready(t *testing.T) {
	t.Parallel()
	failed := requestrecord.Observation{Over: true, Failure: errors.New(`no user "700" is on the console`)}
	r := &fakeRequests{answers: []requestrecord.Observation{failed}}
	require.NoError(t, deleteUser(r, seen()), "no sync shows the user")
	requireCode(t, codes.FailedPrecondition, deleteUser(r, seen("700")), "no user")
	unknown := fakeLookup{err: status.Error(codes.FailedPrecondition, "no proven sync")}
	requireCode(t, codes.FailedPrecondition, deleteUser(r, unknown), "no user")
	r.before = ended(wire.StateOffboarded, "", nil)
	requireCode(t, codes.FailedPrecondition, deleteUser(r, seen("700")), "no user") // only Temporal says so
	done := &fakeRequests{answers: []requestrecord.Observation{ended(wire.StateOffboarded, "", nil)}}
	require.NoError(t, deleteUser(done, seen("700")))
	before, err := fakeLedger{done}.record(ledger.Run{Request: done.started[0].ID, ID: "run-1"})
	require.NoError(t, err)
	r.earlier = []authority.Record{before}
	require.NoError(t, deleteUser(r, seen("700")), "it was deleted before, and no sync has looked since")
	r.answers = []requestrecord.Observation{ended(wire.StateRefused, "a refusal stands", nil)}
	requireCode(t, codes.FailedPrecondition, deleteUser(r, seen()), "a refusal stands")
}

// One resource comes from the store, and says how old it is.
func TestGet_SaysHowOldItIs(t *testing.T) {
	t.Parallel()
	l := seen("700")
	of := accounts.Getter{Lookup: l}
	found, said, err := of.Get(context.Background(), resourceID(resources.User, "700"), nil)
	require.NoError(t, err)
	require.Equal(t, "700", found.GetId().GetResource())
	var at timestamppb.Timestamp
	ok, err := said.Pick(&at)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "2026-03-03T13:48:00Z", at.AsTime().Format("2006-01-02T15:04:05Z07:00"))
	var text structpb.Struct
	ok, err = said.Pick(&text)
	require.NoError(t, err)
	require.True(t, ok)
	require.Contains(t, text.GetFields()["as_of"].GetStringValue(), "13:48")
	_, _, err = of.Get(context.Background(), resourceID(resources.User, "701"), nil)
	requireCode(t, codes.NotFound, err)
}
