package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

const (
	insertFixes = "INSERT INTO fix (" + fixColumns + ") SELECT * FROM unnest(" + fixArrays + ") ON CONFLICT DO NOTHING RETURNING employee_id"

	upsertPositions = "INSERT INTO position (" + fixColumns + ", interval_s, changed) SELECT * FROM unnest(" + fixArrays +
		", $19::float8[], $20::bigint[]) ON CONFLICT (employee_id) DO UPDATE SET (" + fixColumns + ", interval_s, changed) = (" +
		"excluded.employee_id, excluded.recorded_us, excluded.digest, excluded.lat_e7, excluded.lon_e7, excluded.accuracy_dm, " +
		"excluded.altitude_dm, excluded.vertical_accuracy_dm, excluded.speed_cms, excluded.course_dd, excluded.battery_pct, " +
		"excluded.charging, excluded.mock, excluded.cause, excluded.network, excluded.quality, excluded.received_us, excluded.seq, " +
		"excluded.interval_s, excluded.changed)"

	insertReports = "INSERT INTO report (employee_id, kind, body, received_us, seq) " +
		"SELECT * FROM unnest($1::int[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[])"

	insertRejected = "INSERT INTO rejected (company, employee, topic, reason, detail, payload, size, received_us, seq) " +
		"SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bigint[], $8::bigint[], $9::bigint[])"

	updateCounters = "UPDATE company c SET fixes = c.fixes + d.fixes, rejected = c.rejected + d.rejected, seq = greatest(c.seq, d.seq) " +
		"FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) d (key, fixes, rejected, seq) WHERE c.key = d.key"
)

// commit is one attempt of a [Store.Commit].
type commit struct {
	store  *Store
	tx     pgx.Tx
	rows   *row.Batch
	nowUS  int64
	who    people // everybody in the batch
	found  people // those who are not yet in the store's cache
	stored map[int32]int64

	// careful: every insert has a savepoint, and what is refused is halved
	// until the row is found.
	careful bool
}

// Commit implements [track.Ledger]. It tries the whole batch at once; only if
// the database refuses a row does it begin again and look for the row.
func (s *Store) Commit(ctx context.Context, b track.Batch) (track.Receipt, error) {
	select {
	case s.commits <- struct{}{}:
		defer func() { <-s.commits }()
	case <-ctx.Done():
		return track.Receipt{}, fmt.Errorf("commit: %w", ctx.Err())
	}
	r, err := s.commit(ctx, b, false)
	if refused(err) {
		r, err = s.commit(ctx, b, true)
	}
	return r, err
}

func (s *Store) commit(ctx context.Context, b track.Batch, careful bool) (track.Receipt, error) {
	rows, err := row.NewBatch(b)
	if err != nil {
		return track.Receipt{}, fmt.Errorf("commit: %w", err)
	}
	if err := s.makePartitions(ctx, rows.Fixes); err != nil {
		return track.Receipt{}, fmt.Errorf("commit: %w", err)
	}
	c := &commit{
		store: s, rows: rows, nowUS: s.now().UnixMicro(), careful: careful,
		who: newPeople(), found: newPeople(), stored: make(map[int32]int64),
	}
	fixes := len(rows.Fixes)
	refusedBefore := len(rows.Refused)
	var refusedFixes int
	err = s.write(ctx, "commit", func(ctx context.Context, tx pgx.Tx) error {
		c.tx = tx
		if err := c.advance(ctx); err != nil {
			return err
		}
		if err := c.resolve(ctx); err != nil {
			return err
		}
		if err := c.insert(ctx, 0, fixes, c.fixes, func(i int, err error) { rows.RefuseFix(rows.Fixes[i].From, err) }); err != nil {
			return err
		}
		refusedFixes = len(rows.Refused) - refusedBefore
		return c.rest(ctx)
	})
	if err != nil {
		return track.Receipt{}, err
	}
	s.people.learn(c.found)
	r := track.Receipt{Refused: rows.Refused}
	for _, n := range c.stored {
		r.Stored += int(n)
	}
	r.Duplicate = fixes - refusedFixes - r.Stored
	return r, nil
}

// advance moves the cursor, or finds that somebody else has. From here to the
// end of the transaction no other bridge can.
func (c *commit) advance(ctx context.Context) error {
	tag, err := c.tx.Exec(ctx, "UPDATE journal_cursor SET seq = $1 WHERE id = 1 AND seq = $2", c.rows.Through, c.rows.After)
	if err == nil && tag.RowsAffected() == 0 {
		err = fmt.Errorf("the journal's cursor does not stand at %d: %w", c.rows.After, track.ErrConflict)
	}
	return err
}

// rest writes all but the fixes.
func (c *commit) rest(ctx context.Context) error {
	err := c.insert(ctx, 0, len(c.rows.Positions), c.positions, func(i int, err error) {
		c.rows.RefusePosition(c.rows.Positions[i].From, err)
	})
	if err != nil {
		return err
	}
	err = c.insert(ctx, 0, len(c.rows.Reports), c.reports, func(i int, err error) { c.rows.RefuseReport(c.rows.Reports[i].From, err) })
	if err != nil {
		return err
	}
	rejections := c.rows.Rejections()
	if err := c.rejections(ctx, rejections); err != nil {
		return err
	}
	return c.tally(ctx, c.rows.Tallies(rejections))
}

// insert writes the rows from..to with write. In careful mode it finds those
// that the database refuses and hands them to refuse.
func (c *commit) insert(ctx context.Context, from, to int, write func(ctx context.Context, tx pgx.Tx, from, to int) error, refuse func(int, error)) error {
	if from == to {
		return nil
	}
	if !c.careful {
		return write(ctx, c.tx, from, to)
	}
	err := pgx.BeginFunc(ctx, c.tx, func(savepoint pgx.Tx) error { return write(ctx, savepoint, from, to) })
	if !refused(err) {
		return err
	}
	if to-from == 1 {
		refuse(from, err)
		return nil
	}
	middle := (from + to) / 2
	if err := c.insert(ctx, from, middle, write, refuse); err != nil {
		return err
	}
	return c.insert(ctx, middle, to, write, refuse)
}

func (c *commit) fixes(ctx context.Context, tx pgx.Tx, from, to int) error {
	var a arrays
	for i := from; i < to; i++ {
		f := &c.rows.Fixes[i]
		a.add(c.who[f.Person].employee, &f.Fix)
	}
	rows, err := tx.Query(ctx, insertFixes, a.args()...)
	if err != nil {
		return err
	}
	employees, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return err
	}
	for _, id := range employees {
		c.stored[id]++
	}
	return nil
}

func (c *commit) positions(ctx context.Context, tx pgx.Tx, from, to int) error {
	var (
		a         arrays
		intervals []pgtype.Float8
		changed   []int64
	)
	for i := from; i < to; i++ {
		p := &c.rows.Positions[i]
		a.add(c.who[p.Person].employee, &p.Fix)
		intervals = append(intervals, pgtype.Float8{Float64: p.IntervalS.Value, Valid: p.IntervalS.Known})
		changed = append(changed, p.Changed)
	}
	_, err := tx.Exec(ctx, upsertPositions, append(a.args(), intervals, changed)...)
	return err
}

func (c *commit) reports(ctx context.Context, tx pgx.Tx, from, to int) error {
	var (
		employees     []int32
		kinds         []string
		bodies        [][]byte
		received, seq []int64
	)
	for i := from; i < to; i++ {
		r := &c.rows.Reports[i]
		employees = append(employees, c.who[r.Person].employee)
		kinds = append(kinds, r.Kind)
		bodies = append(bodies, r.Body)
		received = append(received, r.ReceivedUS)
		seq = append(seq, r.Seq)
	}
	_, err := tx.Exec(ctx, insertReports, employees, kinds, bodies, received, seq)
	return err
}

func (c *commit) rejections(ctx context.Context, rs []row.Rejection) error {
	if len(rs) == 0 {
		return nil
	}
	var (
		texts               [5][]string
		payloads            [][]byte
		size, received, seq []int64
	)
	for i := range rs {
		r := &rs[i]
		for j, s := range [...]string{r.Company, r.Employee, r.Topic, r.Reason, r.Detail} {
			texts[j] = append(texts[j], s)
		}
		payloads = append(payloads, r.Payload)
		size = append(size, r.Size)
		received = append(received, r.ReceivedUS)
		seq = append(seq, r.Seq)
	}
	_, err := c.tx.Exec(ctx, insertRejected, texts[0], texts[1], texts[2], texts[3], texts[4], payloads, size, received, seq)
	return err
}

// tally adds to the counters of each company.
func (c *commit) tally(ctx context.Context, tallies map[string]*row.Tally) error {
	if len(tallies) == 0 {
		return nil
	}
	companyOf := make(map[int32]string, len(c.who))
	known := make(map[string]bool)
	for who, id := range c.who {
		companyOf[id.employee] = who.Company
		known[who.Company] = true
	}
	for employee, n := range c.stored {
		tallies[companyOf[employee]].Fixes += n
	}
	var (
		keys, unknown        []string
		fixes, rejected, seq []int64
	)
	for company, t := range tallies {
		if !known[company] { // only rejections
			unknown = append(unknown, company)
		}
		keys = append(keys, company)
		fixes = append(fixes, t.Fixes)
		rejected = append(rejected, t.Rejected)
		seq = append(seq, t.Seq)
	}
	if len(unknown) > 0 {
		if err := c.addCompanies(ctx, unknown); err != nil {
			return err
		}
	}
	_, err := c.tx.Exec(ctx, updateCounters, keys, fixes, rejected, seq)
	return err
}

// Cursor implements [track.Ledger].
func (s *Store) Cursor(ctx context.Context) (uint64, error) {
	var seq int64
	err := s.call(ctx, "read the cursor", func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT seq FROM journal_cursor WHERE id = 1").Scan(&seq)
	})
	return uint64(seq), err
}
