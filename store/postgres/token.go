package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

// nowUS is the present by the server's clock, in microseconds.
const nowUS = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

const tokenColumns = "id, role, company, employee, issued_us, coalesce(expires_us, 0), coalesce(revoked_us, 0)"

// where selects the tokens of a filter: $1 id, $2 company, $3 employee.
const where = " WHERE ($1 = '' OR id = $1) AND ($2 = '' OR company = $2) AND ($3 = '' OR employee = $3)"

// AddTokens implements [track.Tokens]. A token whose id is there already is
// [track.ErrExists].
func (s *Store) AddTokens(ctx context.Context, ts []track.Token) error {
	var (
		texts                    [4][]string
		issued, expires, revoked []int64
	)
	for _, t := range ts {
		t, err := row.Token(t, s.now())
		if err != nil {
			return fmt.Errorf("add tokens: %w", err)
		}
		for i, v := range [...]string{t.ID, string(t.Role), t.Company, t.Employee} {
			texts[i] = append(texts[i], v)
		}
		issued = append(issued, t.IssuedAt.UnixMicro())
		expires = append(expires, row.MicrosOrZero(t.ExpiresAt))
		revoked = append(revoked, row.MicrosOrZero(t.RevokedAt))
	}
	return s.write(ctx, "add tokens", func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO token (id, role, company, employee, issued_us, expires_us, revoked_us)
			SELECT id, role, company, employee, issued, nullif(expires, 0), nullif(revoked, 0)
			FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
			AS t (id, role, company, employee, issued, expires, revoked)`,
			texts[0], texts[1], texts[2], texts[3], issued, expires, revoked)
		if exists(err) {
			return fmt.Errorf("token: %w", track.ErrExists)
		}
		return err
	})
}

// RevokeTokens implements [track.Tokens].
func (s *Store) RevokeTokens(ctx context.Context, f track.TokenFilter) (n int, err error) {
	if f, err = row.Filter(f); err != nil {
		return 0, fmt.Errorf("revoke tokens: %w", err)
	}
	err = s.write(ctx, "revoke tokens", func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "UPDATE token SET revoked_us = "+nowUS+where+
			" AND revoked_us IS NULL AND (expires_us IS NULL OR expires_us > "+nowUS+")", f.ID, f.Company, f.Employee)
		n = int(tag.RowsAffected())
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
		" FROM token WHERE revoked_us >= $1 AND (expires_us IS NULL OR expires_us > "+nowUS+") ORDER BY revoked_us, id", row.Bound(since, 0))
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
	err = s.call(ctx, op, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		var (
			t                        track.Token
			issued, expires, revoked int64
		)
		_, err = pgx.ForEachRow(rows, []any{&t.ID, &t.Role, &t.Company, &t.Employee, &issued, &expires, &revoked}, func() error {
			t.IssuedAt, t.ExpiresAt, t.RevokedAt = row.Time(issued), row.TimeOrZero(expires), row.TimeOrZero(revoked)
			ts = append(ts, t)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return ts, nil
}
