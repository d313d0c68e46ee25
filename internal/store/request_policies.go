package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrNoPolicy says that no policy of that hash was ever kept.
var ErrNoPolicy = errors.New("no such policy in the store")

// KeepPolicy keeps the text of a policy, a file of that name, under its hash: SHA-256 in
// hex. What is there already stays. A text of another hash is an error, and is not kept.
// Once this returns, the policy is on the disk.
func (s *Store) KeepPolicy(ctx context.Context, hash, name string, text []byte) error {
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != hash {
		return fmt.Errorf("keep policy %s: its text has another hash", hash)
	}
	_, _, err := s.PolicyOf(ctx, hash)
	if !errors.Is(err, ErrNoPolicy) {
		return err // nil: it is there, as is the rule, and no turn among those who write is needed
	}
	return s.writeDurably(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, "keep policy "+hash,
			`INSERT INTO policies (hash, name, at, body) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO NOTHING`,
			hash, asText(name), micros(s.now()), text)
		return err
	})
}

// PolicyOf is the name and the text of the policy of that hash, or says [ErrNoPolicy].
func (s *Store) PolicyOf(ctx context.Context, hash string) (name string, text []byte, err error) {
	err = s.r.QueryRowContext(ctx, "SELECT name, body FROM policies WHERE hash = $1", hash).Scan(&name, &text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", nil, fmt.Errorf("policy %s: %w", hash, ErrNoPolicy)
	case err != nil:
		return "", nil, fmt.Errorf("read policy %s: %w", hash, err)
	}
	return name, text, nil
}
