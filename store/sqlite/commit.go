package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

// fixColumns are the columns that fix and position share, in the order of
// [fixArgs] and [scanFix].
const fixColumns = "recorded_us, digest, lat_e7, lon_e7, accuracy_dm, altitude_dm, vertical_accuracy_dm, speed_cms, course_dd, " +
	"battery_pct, charging, mock, cause, network, quality, received_us, seq"

const numFixColumns = 17

var (
	insertFix = "INSERT INTO fix (employee_id, " + fixColumns + ") VALUES (" + marks(1+numFixColumns) + ") ON CONFLICT DO NOTHING"

	upsertPosition = "INSERT INTO position (employee_id, " + fixColumns + ", interval_s, changed) VALUES (" +
		marks(1+numFixColumns+2) + ") ON CONFLICT (employee_id) DO UPDATE SET " + excluded(fixColumns+", interval_s, changed")
)

// marks returns n question marks.
func marks(n int) string { return strings.Repeat("?, ", n-1) + "?" }

// excluded returns the assignments of an upsert.
func excluded(columns string) string {
	var set []string
	for _, c := range strings.Split(columns, ", ") {
		set = append(set, c+" = excluded."+c)
	}
	return strings.Join(set, ", ")
}

// commit is one [Store.Commit] under way.
type commit struct {
	store     *Store
	tx        *sql.Tx
	rows      *row.Batch
	nowUS     int64
	found     map[row.Person]ids // not yet in the store's cache
	companies map[string]int64

	stored    map[string]int64 // fixes, by company
	duplicate int
}

// Commit implements [track.Ledger].
func (s *Store) Commit(ctx context.Context, b track.Batch) (track.Receipt, error) {
	rows, err := row.NewBatch(b)
	if err != nil {
		return track.Receipt{}, fmt.Errorf("commit: %w", err)
	}
	c := &commit{
		store: s, rows: rows, nowUS: s.now().UnixMicro(),
		found: make(map[row.Person]ids), companies: make(map[string]int64), stored: make(map[string]int64),
	}
	err = s.write(ctx, "commit", func(ctx context.Context, tx *sql.Tx) error {
		c.tx = tx
		return c.run(ctx)
	})
	if err != nil {
		return track.Receipt{}, err
	}
	s.people.learn(c.found)
	r := track.Receipt{Duplicate: c.duplicate, Refused: rows.Refused}
	for _, n := range c.stored {
		r.Stored += int(n)
	}
	return r, nil
}

// run does the work of the transaction. The single statements are not
// interrupted, which would cost a goroutine each: they take microseconds, and
// ctx is asked between them.
func (c *commit) run(ctx context.Context) error {
	if err := c.advance(ctx); err != nil {
		return err
	}
	who, err := c.people(ctx)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context, map[row.Person]ids) error{c.fixes, c.positions, c.reports} {
		if err := step(ctx, who); err != nil {
			return err
		}
	}
	rejections := c.rows.Rejections()
	if err := c.rejections(ctx, rejections); err != nil {
		return err
	}
	return c.tally(ctx, c.rows.Tallies(rejections))
}

// advance moves the cursor, or finds that somebody else has.
func (c *commit) advance(ctx context.Context) error {
	r, err := c.tx.ExecContext(ctx, "UPDATE journal_cursor SET seq = ? WHERE id = 1 AND seq = ?", c.rows.Through, c.rows.After)
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("the journal's cursor does not stand at %d: %w", c.rows.After, track.ErrConflict)
	}
	return nil
}

func (c *commit) people(ctx context.Context) (map[row.Person]ids, error) {
	all := c.rows.People()
	who := make(map[row.Person]ids, len(all))
	for _, p := range all {
		id, err := c.resolve(ctx, p)
		if err != nil {
			return nil, err
		}
		who[p] = id
	}
	return who, nil
}

func (c *commit) fixes(ctx context.Context, who map[row.Person]ids) error {
	insert := c.tx.StmtContext(ctx, c.store.insert) //nolint:sqlclosecheck // closed with the transaction
	var args [1 + numFixColumns]any
	for i := range c.rows.Fixes {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := &c.rows.Fixes[i]
		args[0] = who[f.Person].employee
		fixArgs(args[1:], &f.Fix)
		r, err := insert.ExecContext(context.WithoutCancel(ctx), args[:]...)
		if refused(err) {
			c.rows.RefuseFix(f.From, err)
			continue
		}
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			c.duplicate++
			continue
		}
		c.stored[f.Company]++
	}
	return nil
}

func (c *commit) positions(ctx context.Context, who map[row.Person]ids) error {
	place := c.tx.StmtContext(ctx, c.store.place) //nolint:sqlclosecheck // closed with the transaction
	var args [1 + numFixColumns + 2]any
	for i := range c.rows.Positions {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := &c.rows.Positions[i]
		args[0] = who[p.Person].employee
		fixArgs(args[1:], &p.Fix)
		args[1+numFixColumns] = nil
		if p.IntervalS.Known {
			args[1+numFixColumns] = p.IntervalS.Value
		}
		args[2+numFixColumns] = p.Changed
		_, err := place.ExecContext(context.WithoutCancel(ctx), args[:]...)
		if refused(err) {
			c.rows.RefusePosition(p.From, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *commit) reports(ctx context.Context, who map[row.Person]ids) error {
	for i := range c.rows.Reports {
		r := &c.rows.Reports[i]
		_, err := c.tx.ExecContext(ctx, "INSERT INTO report (employee_id, kind, body, received_us, seq) VALUES (?, ?, ?, ?, ?)",
			who[r.Person].employee, r.Kind, r.Body, r.ReceivedUS, r.Seq)
		if refused(err) {
			c.rows.RefuseReport(r.From, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *commit) rejections(ctx context.Context, rs []row.Rejection) error {
	for i := range rs {
		r := &rs[i]
		_, err := c.tx.ExecContext(ctx,
			"INSERT INTO rejected (company, employee, topic, reason, detail, payload, size, received_us, seq) VALUES ("+marks(9)+")",
			r.Company, r.Employee, r.Topic, r.Reason, r.Detail, r.Payload, r.Size, r.ReceivedUS, r.Seq)
		if err != nil {
			return err
		}
	}
	return nil
}

// tally adds to the counters of each company.
func (c *commit) tally(ctx context.Context, tallies map[string]*row.Tally) error {
	for company, t := range tallies {
		id, err := c.company(ctx, company)
		if err != nil {
			return err
		}
		_, err = c.tx.ExecContext(ctx, "UPDATE company SET fixes = fixes + ?, rejected = rejected + ?, seq = max(seq, ?) WHERE id = ?",
			c.stored[company], t.Rejected, t.Seq, id)
		if err != nil {
			return err
		}
	}
	return nil
}

// Cursor implements [track.Ledger].
func (s *Store) Cursor(ctx context.Context) (seq uint64, err error) {
	err = s.read(ctx, "read the cursor", func(ctx context.Context) error {
		return s.readers.QueryRowContext(ctx, "SELECT seq FROM journal_cursor WHERE id = 1").Scan(&seq)
	})
	return seq, err
}
