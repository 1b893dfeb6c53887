package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

// nowUS is the present by SQLite's clock, in microseconds.
const nowUS = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"

const tokenColumns = "id, role, company, employee, issued_us, coalesce(expires_us, 0), coalesce(revoked_us, 0)"

// where selects the tokens of a filter: ?1 id, ?2 company, ?3 employee.
const where = " WHERE (?1 = '' OR id = ?1) AND (?2 = '' OR company = ?2) AND (?3 = '' OR employee = ?3)"

// AddTokens implements [track.Tokens]. A token whose id is there already is
// [track.ErrExists].
func (s *Store) AddTokens(ctx context.Context, ts []track.Token) error {
	clean := make([]track.Token, len(ts))
	for i, t := range ts {
		var err error
		if clean[i], err = row.Token(t, s.now()); err != nil {
			return fmt.Errorf("add tokens: %w", err)
		}
	}
	return s.write(ctx, "add tokens", func(ctx context.Context, tx *sql.Tx) error {
		const query = "INSERT INTO token (id, role, company, employee, issued_us, expires_us, revoked_us)" +
			" VALUES (?, ?, ?, ?, ?, nullif(?, 0), nullif(?, 0))"
		insert, err := tx.PrepareContext(ctx, query) //nolint:sqlclosecheck // closed with the transaction
		if err != nil {
			return err
		}
		for _, t := range clean {
			_, err := insert.ExecContext(ctx, t.ID, string(t.Role), t.Company, t.Employee,
				t.IssuedAt.UnixMicro(), row.MicrosOrZero(t.ExpiresAt), row.MicrosOrZero(t.RevokedAt))
			if exists(err) {
				return fmt.Errorf("token %s: %w", t.ID, track.ErrExists)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// RevokeTokens implements [track.Tokens].
func (s *Store) RevokeTokens(ctx context.Context, f track.TokenFilter) (n int, err error) {
	if f, err = row.Filter(f); err != nil {
		return 0, fmt.Errorf("revoke tokens: %w", err)
	}
	err = s.write(ctx, "revoke tokens", func(ctx context.Context, tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "UPDATE token SET revoked_us = "+nowUS+where+
			" AND revoked_us IS NULL AND (expires_us IS NULL OR expires_us > "+nowUS+")", f.ID, f.Company, f.Employee)
		if err != nil {
			return err
		}
		affected, err := r.RowsAffected()
		n = int(affected)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Revoked implements [track.Tokens], in the order of revocation.
func (s *Store) Revoked(ctx context.Context, since time.Time) ([]track.Token, error) {
	return s.tokens(ctx, "list revoked tokens", "SELECT "+tokenColumns+
		" FROM token WHERE revoked_us >= ? AND (expires_us IS NULL OR expires_us > "+nowUS+") ORDER BY revoked_us, id", row.Bound(since, 0))
}

// IssuedTokens implements [track.Tokens].
func (s *Store) IssuedTokens(ctx context.Context, f track.TokenFilter) ([]track.Token, error) {
	f, err := row.Filter(f)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return s.tokens(ctx, "list tokens", "SELECT "+tokenColumns+" FROM token"+where+" ORDER BY issued_us, id", f.ID, f.Company, f.Employee)
}

func (s *Store) tokens(ctx context.Context, op, query string, args ...any) (ts []track.Token, err error) {
	err = s.read(ctx, op, func(ctx context.Context) error {
		var (
			t                        track.Token
			issued, expires, revoked int64
		)
		return s.forEach(ctx, []any{&t.ID, &t.Role, &t.Company, &t.Employee, &issued, &expires, &revoked}, func() {
			t.IssuedAt, t.ExpiresAt, t.RevokedAt = row.Time(issued), row.TimeOrZero(expires), row.TimeOrZero(revoked)
			ts = append(ts, t)
		}, query, args...)
	})
	if err != nil {
		return nil, err
	}
	return ts, nil
}
