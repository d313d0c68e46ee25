package signing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"sentinelone-provisioner/internal/access"
)

// agentKey connects to ssh-agent and takes the wanted key, or chooses one.
func agentKey(ctx context.Context, o KeyOptions, want ssh.PublicKey) (*Key, error) {
	if o.Socket == "" {
		return nil, &NoKeyError{"no ssh-agent is running here (SSH_AUTH_SOCK): name a private key file"}
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", o.Socket)
	if err != nil {
		return nil, &NoKeyError{fmt.Sprintf("ssh-agent does not answer (SSH_AUTH_SOCK): %v", err)}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	signer, err := choose(agent.NewClient(conn), o.By, want)
	if err != nil {
		stop()
		_ = conn.Close()
		return nil, err
	}
	return &Key{AlgorithmSigner: signer, agent: conn}, nil
}

func choose(keys agent.ExtendedAgent, by string, want ssh.PublicKey) (ssh.AlgorithmSigner, error) {
	held, err := keys.List()
	if err != nil {
		return nil, fmt.Errorf("ask ssh-agent for its keys: %w", err)
	}
	held = slices.DeleteFunc(held, func(k *agent.Key) bool { return strings.Contains(k.Format, certificateMark) })
	key, err := pick(held, by, want)
	if err != nil {
		return nil, err
	}
	signers, err := keys.Signers()
	if err != nil {
		return nil, fmt.Errorf("ask ssh-agent for its keys: %w", err)
	}
	for _, s := range signers {
		if signer, ok := s.(ssh.AlgorithmSigner); ok && bytes.Equal(s.PublicKey().Marshal(), key.Blob) {
			return signer, nil
		}
	}
	return nil, errors.New("ssh-agent no longer holds the key")
}

// pick is the wanted key, else the one whose comment is the name, else the only one.
func pick(held []*agent.Key, by string, want ssh.PublicKey) (*agent.Key, error) {
	var fitting []*agent.Key
	for _, k := range held {
		switch {
		case want != nil && bytes.Equal(k.Blob, want.Marshal()),
			want == nil && by != "" && access.Fold(k.Comment) == access.Fold(by):
			fitting = append(fitting, k)
		}
	}
	switch {
	case len(fitting) == 1:
		return fitting[0], nil
	case want != nil:
		return nil, fmt.Errorf("ssh-agent does not hold %s: ssh-add it", fingerprint(want))
	case len(held) == 0:
		return nil, &NoKeyError{"ssh-agent holds no key: ssh-add one"}
	case len(held) == 1:
		return held[0], nil
	}
	why := fmt.Sprintf("and %d have the comment %s", len(fitting), by)
	if len(fitting) == 0 {
		why = fmt.Sprintf("and none has the comment %s", by)
	}
	return nil, &NoKeyError{fmt.Sprintf("ssh-agent holds %d keys, %s: name one by its public key file: %s",
		len(held), why, strings.Join(describe(held), ", "))}
}

func describe(held []*agent.Key) []string {
	out := make([]string, len(held))
	for i, k := range held {
		out[i] = ssh.FingerprintSHA256(k) + " (" + k.Comment + ")"
	}
	return out
}
