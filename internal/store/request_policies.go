package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrNoPolicy says that the store has no policy with that hash.
var ErrNoPolicy = errors.New("no such policy in the store")

// KeepPolicy stores the text of a policy file under its hash: SHA-256 in lower-case hex.
// name is the name of the file. A policy stored already stays as it is. A hash that does
// not match the text is an error. Once KeepPolicy returns, the policy is on disk.
func (s *Store) KeepPolicy(ctx context.Context, hash, name string, text []byte) error {
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != hash {
		return fmt.Errorf("store policy %s: its text has another hash; read the file again", hash)
	}
	_, _, err := s.PolicyOf(ctx, hash)
	if !errors.Is(err, ErrNoPolicy) {
		return err // nil: usually it is stored already, and a read does not queue behind writers
	}
	return s.writeDurably(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, "store policy "+hash,
			`INSERT INTO policies (hash, name, at, body) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO NOTHING`,
			hash, asText(name), micros(s.now()), text)
		return err
	})
}

// PolicyOf reads the file name and the text of a policy by its hash. An unknown hash is
// [ErrNoPolicy].
func (s *Store) PolicyOf(ctx context.Context, hash string) (name string, text []byte, err error) {
	err = s.r.QueryRowContext(ctx, "SELECT name, body FROM policies WHERE hash = $1", hash).Scan(&name, &text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", nil, fmt.Errorf("policy %s: %w", hash, ErrNoPolicy)
	case err != nil:
		return "", nil, s.explain(fmt.Errorf("read policy %s: %w", hash, err))
	}
	return name, text, nil
}
