package accounts

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/tokenseal"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/provision"
)

// tokenLife is how long a rotated token is valid.
const tokenLife = access.Duration(90 * 24 * time.Hour)

// keyLife is how long the key of a rotation that has handed over no token is kept: longer than a request waits by the
// built-in policy. After that, a new rotation has a new key.
const keyLife = 7 * 24 * time.Hour

// tokenKeys are the keys of rotations that have not handed over their token yet, by workflow id: a task that comes
// again opens the token of the request that it attaches to. They are in memory only.
type tokenKeys struct {
	mu   sync.Mutex
	keys map[string]tokenKey
}

type tokenKey struct {
	tokenseal.Key

	made time.Time
}

// of is the key of a rotation; it forgets all that are too old.
func (t *tokenKeys) of(id string, now time.Time) (tokenseal.Key, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.keys, func(_ string, k tokenKey) bool { return now.Sub(k.made) > keyLife })
	if k, found := t.keys[id]; found {
		return k.Key, nil
	}
	k, err := tokenseal.NewKey()
	if err == nil {
		if t.keys == nil {
			t.keys = map[string]tokenKey{}
		}
		t.keys[id] = tokenKey{k, now}
	}
	return k, err
}

func (t *tokenKeys) forget(id string, k tokenseal.Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.keys[id].Key == k {
		delete(t.keys, id)
	}
}

// RotateCapabilityDetails says that the console makes the token: nobody chooses one.
func (ServiceUsers) RotateCapabilityDetails(context.Context) (
	*v2.CredentialDetailsCredentialRotation, annotations.Annotations, error,
) {
	const none = v2.CapabilityDetailCredentialOption_CAPABILITY_DETAIL_CREDENTIAL_OPTION_NO_PASSWORD
	return v2.CredentialDetailsCredentialRotation_builder{
		SupportedCredentialOptions: []v2.CapabilityDetailCredentialOption{none}, PreferredCredentialOption: none,
	}.Build(), nil, nil
}

// Rotate makes a new API token for a service user, and returns it for the SDK to encrypt. The token that it had is
// void from then on.
func (s ServiceUsers) Rotate(
	ctx context.Context, id *v2.ResourceId, _ *v2.LocalCredentialOptions,
) ([]*v2.PlaintextData, annotations.Annotations, error) {
	if s.Config == nil {
		return nil, nil, errOnlyReads
	}
	token, err := s.rotate(ctx, id)
	if err != nil {
		return nil, nil, explain.Read(err)
	}
	return []*v2.PlaintextData{v2.PlaintextData_builder{
		Name: "api_token", Description: "API token of the service user", Bytes: []byte(token),
	}.Build()}, nil, nil
}

func (c *Config) rotate(ctx context.Context, of *v2.ResourceId) (string, error) {
	who, ok := principalOf(of)
	if !ok || who.Kind != access.ServiceUser {
		return "", invalid("cannot rotate the token of %s %q: only service users have one that can be rotated",
			of.GetResourceType(), of.GetResource())
	}
	id := wire.RotateID(provision.RequestKey("rotate", c.Console, who.ID))
	key, err := c.keys.of(id, c.Now())
	if err != nil {
		return "", err
	}
	// A request that runs and is for another key is of a connector that has ended: nobody could read its token.
	if err := c.cancelOthers(ctx, id, key); err != nil {
		return "", err
	}
	if token, err := c.collect(ctx, id, who.ID, key); err != nil || token != "" {
		return token, err
	}
	in := wire.RotateTokenInput{
		Principal: who, TokenLife: new(tokenLife), Recipient: key.Recipient(), Requester: c.Requester,
		Reason: "rotated in ConductorOne", Console: c.Console,
	}
	if err := in.Validate(c.Now()); err != nil {
		return "", invalid("cannot rotate the token of service user %s: %v", who.ID, err)
	}
	seen, _, err := c.await(ctx, requestclient.NewRequest{
		Type: wire.RotateTokenType, ID: id, Input: &in, Again: true, Summary: "rotate a token",
	}, never)
	switch {
	case err != nil:
		return "", err
	case !seen.Over:
		return "", explain.Newf(codes.FailedPrecondition, "%s", pendingText(id, seen, "rotate the token again"))
	case seen.State() != wire.StateRotated:
		c.keys.forget(id, key)
		return "", failure(id, seen)
	}
	token, err := c.collect(ctx, id, who.ID, key)
	if err == nil && token == "" {
		err = explain.Newf(codes.FailedPrecondition, "request %s has made a token that this connector cannot read: "+
			"rotate the token again, since the old one is void", id)
	}
	return token, err
}

// cancelOthers cancels a request that waits and is for another key.
func (c *Config) cancelOthers(ctx context.Context, id string, key tokenseal.Key) error {
	seen, err := c.Requests.Last(ctx, id)
	if err != nil || seen.Over || seen.Status == nil {
		return err
	}
	if r := planOf(seen).Rotation; r == nil || r.Recipient == key.Recipient() {
		return nil
	}
	if err := c.Requests.Cancel(ctx, id, "the connector was restarted and could not read its token"); err != nil {
		return fmt.Errorf("request %s is for a key that is lost, and cannot be cancelled: %w", id, err)
	}
	return nil
}

func planOf(o requestrecord.Observation) access.Plan {
	if o.Status != nil && o.Status.Plan != nil {
		return *o.Status.Plan
	}
	return o.PlanOrZero()
}

// collect opens the token of a rotation that has ended; "" if there is none of the service user for the key.
func (c *Config) collect(ctx context.Context, id, serviceUserID string, key tokenseal.Key) (string, error) {
	proof, err := c.rotation(ctx, id, serviceUserID, key.Recipient())
	if err != nil || proof == nil || proof.Token == nil {
		return "", err
	}
	token, err := key.Open(proof.Token.Sealed)
	if err != nil {
		return "", explain.Newf(codes.FailedPrecondition, "the token of %s cannot be opened (%w): rotate the token "+
			"again, since the old one is void", id, err)
	}
	c.keys.forget(id, key)
	return token, nil
}
