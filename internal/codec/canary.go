package codec

import (
	"bytes"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"
)

// canaryText is what a canary holds. Nothing secret.
var canaryText = []byte("sentinelone-provisioner")

// Canary returns bytes by which [Key.Opens] knows this key again, from a place that must not have
// the key itself. They differ from call to call.
func (k Key) Canary() ([]byte, error) {
	sealed, err := seal(k, &commonpb.Payload{Data: canaryText})
	if err != nil {
		return nil, fmt.Errorf("make the canary of key %q: %w", k.ID, err)
	}
	return proto.Marshal(sealed)
}

// Opens says whether this key made the canary.
func (k Key) Opens(canary []byte) bool {
	var sealed commonpb.Payload
	if proto.Unmarshal(canary, &sealed) != nil {
		return false
	}
	plain, err := open(k, &sealed)
	return err == nil && bytes.Equal(plain.GetData(), canaryText)
}
