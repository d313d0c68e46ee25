package console

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

const tokenDetailsPath = "/users/api-token-details" //nolint:gosec // a path, no credential

// SystemInfo is the version of a console.
type SystemInfo struct {
	Version            string `json:"version,omitempty"`
	Release            string `json:"release,omitempty"`
	Patch              string `json:"patch,omitempty"`
	Build              string `json:"build,omitempty"`
	LatestAgentVersion string `json:"latestAgentVersion,omitempty"`
}

// SystemInfo returns the console's version. Any valid token may request it, so it distinguishes
// an invalid token from a missing permission.
//
//s1:operation GET /web/api/v2.1/system/info
func (c *Client) SystemInfo(ctx context.Context) (SystemInfo, error) {
	var info SystemInfo
	err := c.do(ctx, request{method: http.MethodGet, path: "/system/info"}, func(body []byte) error {
		data, err := decodeData[systemInfoData](body)
		info = SystemInfo{
			Version: string(data.Version), Release: string(data.Release), Patch: string(data.Patch),
			Build: string(data.Build), LatestAgentVersion: string(data.LatestAgentVersion),
		}
		return err
	})
	return info, err
}

type systemInfoData struct {
	Version            text `json:"version"`
	Release            text `json:"release"`
	Patch              text `json:"patch"`
	Build              text `json:"build"`
	LatestAgentVersion text `json:"latestAgentVersion"`
}

// TokenDetails are the times of the client's own token; nil where the console does not say.
type TokenDetails struct {
	CreatedAt *time.Time `json:"createdAt,omitempty"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
}

// TokenDetails returns when the client's own token was created and when it expires. The call is
// a POST, since the token is in the body, but it changes nothing: a read-only client sends it
// too. Whether it works for the token of a service user is not verified: treat an error as
// "unknown".
//
//s1:operation POST /web/api/v2.1/users/api-token-details
func (c *Client) TokenDetails(ctx context.Context) (TokenDetails, error) {
	var details TokenDetails
	r := request{method: http.MethodPost, path: tokenDetailsPath, body: tokenBody}
	err := c.do(ctx, r, func(body []byte) error {
		data, err := decodeData[tokenDetailsData](body)
		details = TokenDetails{CreatedAt: data.CreatedAt.value, ExpiresAt: data.ExpiresAt.value}
		return err
	})
	return details, err
}

type tokenDetailsData struct {
	CreatedAt stamp `json:"createdAt"`
	ExpiresAt stamp `json:"expiresAt"`
}

func tokenBody(token string) ([]byte, error) {
	return json.Marshal(map[string]any{"data": map[string]string{"apiToken": token}})
}
