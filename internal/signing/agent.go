package signing

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"sentinelone-provisioner/internal/access"
)

// agentKey connects to ssh-agent and takes the wanted key, or chooses one where want is nil.
func agentKey(ctx context.Context, o KeyOptions, want ssh.PublicKey) (*Key, error) {
	if o.Socket == "" {
		return nil, &NoKeyError{"no ssh-agent found (SSH_AUTH_SOCK is not set); pass --key FILE to sign"}
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", o.Socket)
	if err != nil {
		return nil, &NoKeyError{fmt.Sprintf(
			"ssh-agent does not answer (SSH_AUTH_SOCK): %v; pass --key FILE to sign", err)}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	signer, err := agentSigner(agent.NewClient(conn), o.By, want)
	if err != nil {
		stop()
		_ = conn.Close()
		return nil, err
	}
	return &Key{AlgorithmSigner: signer, agent: conn}, nil
}

func agentSigner(keys agent.ExtendedAgent, by string, want ssh.PublicKey) (ssh.AlgorithmSigner, error) {
	held, err := keys.List()
	if err != nil {
		return nil, fmt.Errorf("list the keys of ssh-agent: %w", err)
	}
	held = slices.DeleteFunc(held, func(k *agent.Key) bool { return strings.Contains(k.Format, certificateMark) })
	key, err := selectKey(held, by, want)
	if err != nil {
		return nil, err
	}
	signers, err := keys.Signers()
	if err != nil {
		return nil, fmt.Errorf("list the keys of ssh-agent: %w", err)
	}
	for _, s := range signers {
		if signer, ok := s.(ssh.AlgorithmSigner); ok && bytes.Equal(s.PublicKey().Marshal(), key.Blob) {
			return signer, nil
		}
	}
	return nil, fmt.Errorf("ssh-agent no longer holds key %s: add it again with ssh-add", ssh.FingerprintSHA256(key))
}

// selectKey returns the wanted key, else the only one whose comment is the name, else the only key.
func selectKey(held []*agent.Key, by string, want ssh.PublicKey) (*agent.Key, error) {
	var matching []*agent.Key
	for _, k := range held {
		switch {
		case want != nil && bytes.Equal(k.Blob, want.Marshal()),
			want == nil && by != "" && access.Fold(k.Comment) == access.Fold(by):
			matching = append(matching, k)
		}
	}
	switch {
	case len(matching) == 1:
		return matching[0], nil
	case want != nil:
		return nil, fmt.Errorf("ssh-agent does not hold %s: add it with ssh-add", fingerprint(want))
	case len(held) == 0:
		return nil, &NoKeyError{"ssh-agent holds no key: add one with ssh-add, or pass --key FILE to sign"}
	case len(held) == 1:
		return held[0], nil
	}
	why := fmt.Sprintf("and %d have the comment %s", len(matching), by)
	if len(matching) == 0 {
		why = fmt.Sprintf("and none has the comment %s", by)
	}
	return nil, &NoKeyError{fmt.Sprintf("ssh-agent holds %d keys, %s: pass the public key file of one with --key: %s",
		len(held), why, strings.Join(listKeys(held), ", "))}
}

// listKeys returns "SHA256:… (comment)" for each key.
func listKeys(held []*agent.Key) []string {
	out := make([]string, len(held))
	for i, k := range held {
		out[i] = ssh.FingerprintSHA256(k) + " (" + k.Comment + ")"
	}
	return out
}
