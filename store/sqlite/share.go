package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

const shareColumns = "SELECT s.id, c.key, e.key, s.digest, s.note, s.created_by, s.created_us, s.expires_us, coalesce(s.revoked_us, 0)" +
	" FROM share s JOIN employee e ON e.id = s.employee_id JOIN company c ON c.id = e.company_id"

// AddShare implements [track.Shares].
func (s *Store) AddShare(ctx context.Context, sh track.Share) error {
	sh, err := track.CleanShare(sh)
	if err != nil {
		return fmt.Errorf("add share: %w", err)
	}
	now := sh.CreatedAt.UnixMicro()
	return s.write(ctx, "add share", func(ctx context.Context, tx *sql.Tx) error {
		var employee int64
		err := tx.QueryRowContext(ctx, "SELECT e.id FROM employee e JOIN company c ON c.id = e.company_id WHERE c.key = ? AND e.key = ?",
			sh.Company, sh.Employee).Scan(&employee)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("employee: %w", track.ErrNotFound)
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM share WHERE employee_id = ? AND expires_us < ?", employee, now-track.ShareKept.Microseconds()); err != nil {
			return err
		}
		var active int
		err = tx.QueryRowContext(ctx, "SELECT count(*) FROM share WHERE employee_id = ? AND expires_us > ? AND revoked_us IS NULL", employee, now).Scan(&active)
		if err != nil {
			return err
		}
		if active >= track.MaxShares {
			return fmt.Errorf("%d shares of %s are active: %w", active, sh.Employee, track.ErrConflict)
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO share (id, employee_id, digest, note, created_by, created_us, expires_us) VALUES (?, ?, ?, ?, ?, ?, ?)",
			sh.ID, employee, sh.Digest, sh.Note, sh.CreatedBy, now, sh.ExpiresAt.UnixMicro())
		if exists(err) {
			return fmt.Errorf("share %s: %w", sh.ID, track.ErrExists)
		}
		return err
	})
}

// Shares implements [track.Shares].
func (s *Store) Shares(ctx context.Context, company, employee string, now time.Time) ([]track.Share, error) {
	return s.shares(ctx, "list shares", " WHERE c.key = ? AND e.key = ? AND s.expires_us > ? AND s.revoked_us IS NULL ORDER BY s.expires_us, s.id",
		company, employee, now.UnixMicro())
}

// ShareByDigest implements [track.Shares].
func (s *Store) ShareByDigest(ctx context.Context, digest string) (track.Share, error) {
	found, err := s.shares(ctx, "find share", " WHERE s.digest = ?", digest)
	if err != nil {
		return track.Share{}, err
	}
	if len(found) == 0 {
		return track.Share{}, fmt.Errorf("share: %w", track.ErrNotFound)
	}
	return found[0], nil
}

func (s *Store) shares(ctx context.Context, op, where string, args ...any) (found []track.Share, err error) {
	err = s.read(ctx, op, func(ctx context.Context) error {
		var (
			sh                        track.Share
			created, expires, revoked int64
		)
		return s.forEach(ctx, []any{&sh.ID, &sh.Company, &sh.Employee, &sh.Digest, &sh.Note, &sh.CreatedBy, &created, &expires, &revoked}, func() {
			sh.CreatedAt, sh.ExpiresAt, sh.RevokedAt = row.Time(created), row.Time(expires), row.TimeOrZero(revoked)
			found = append(found, sh)
		}, shareColumns+where, args...)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// RevokeShare implements [track.Shares].
func (s *Store) RevokeShare(ctx context.Context, company, employee, id string, now time.Time) error {
	return s.write(ctx, "revoke share", func(ctx context.Context, tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE share SET revoked_us = ?1 WHERE id = ?2 AND expires_us > ?1 AND revoked_us IS NULL
			AND employee_id = (SELECT e.id FROM employee e JOIN company c ON c.id = e.company_id WHERE c.key = ?3 AND e.key = ?4)`,
			now.UnixMicro(), id, company, employee)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return fmt.Errorf("share: %w", orNotFound(err))
		}
		return nil
	})
}
