package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

// selectRejections gives a page and the rest of the last message in it: Before
// counts messages, so what a page cuts off would never be seen.
const selectRejections = `
SELECT company, employee, topic, reason, detail, payload, size, received_us, seq FROM rejected
WHERE company = ?1 AND seq <= ?2 AND seq >= coalesce(
    (SELECT seq FROM rejected WHERE company = ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1 OFFSET ?3 - 1), 0)
ORDER BY seq DESC, id DESC`

// Rejections implements [track.Ledger]. A page may be longer than limit by the
// other rejections of its last message.
func (s *Store) Rejections(ctx context.Context, company string, before uint64, limit int) (rs []track.Rejection, err error) {
	end := int64(math.MaxInt64)
	if before != 0 {
		end = int64(min(before-1, math.MaxInt64))
	}
	err = s.read(ctx, "list rejections", func(ctx context.Context) error {
		var r row.Rejection
		targets := []any{&r.Company, &r.Employee, &r.Topic, &r.Reason, &r.Detail, &r.Payload, &r.Size, &r.ReceivedUS, &r.Seq}
		return s.forEach(ctx, targets, func() { rs = append(rs, r.ToRejection()) }, selectRejections, company, end, row.Limit(limit))
	})
	if err != nil {
		return nil, err
	}
	return rs, nil
}

// Stats implements [track.Ledger].
func (s *Store) Stats(ctx context.Context, company string) (st track.Stats, err error) {
	const query = "SELECT (SELECT count(*) FROM employee e WHERE e.company_id = c.id), c.fixes, c.rejected, c.seq FROM company c WHERE c.key = ?"
	err = s.read(ctx, "read counters", func(ctx context.Context) error {
		err := s.readers.QueryRowContext(ctx, query, company).Scan(&st.Employees, &st.Fixes, &st.Rejected, &st.Seq)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("company %q: %w", row.Text(company), track.ErrNotFound)
		}
		return err
	})
	if err != nil {
		return track.Stats{}, err
	}
	return st, nil
}
