package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

// fixArgs fills args with the values of [fixColumns].
func fixArgs(args []any, f *row.Fix) {
	_ = args[numFixColumns-1]
	args[0], args[1], args[2], args[3] = f.RecordedUS, f.Digest, int64(f.LatE7), int64(f.LonE7)
	for i, v := range [...]int32{
		f.AccuracyDM, f.AltitudeDM, f.VerticalAccuracyDM, f.SpeedCMS, f.CourseDD, f.BatteryPct, f.Charging, f.Mock,
	} {
		args[4+i] = known(v)
	}
	args[12], args[13] = text(f.Trigger), text(f.Network)
	args[14], args[15], args[16] = int64(f.Quality), f.ReceivedUS, f.Seq
}

// known turns [track.Unknown] into NULL.
func known(v int32) any {
	if v == track.Unknown {
		return nil
	}
	return int64(v)
}

// text turns an empty text into NULL, which takes no room.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// fixRow receives the values of [fixColumns].
type fixRow struct {
	row.Fix
	optional       [8]sql.Null[int32]
	cause, network sql.NullString
}

// targets returns where to scan [fixColumns] to.
func (r *fixRow) targets() []any {
	return []any{
		&r.RecordedUS, &r.Digest, &r.LatE7, &r.LonE7,
		&r.optional[0], &r.optional[1], &r.optional[2], &r.optional[3],
		&r.optional[4], &r.optional[5], &r.optional[6], &r.optional[7],
		&r.cause, &r.network, &r.Quality, &r.ReceivedUS, &r.Seq,
	}
}

// toFix sets everything of f but the person, or returns [row.ErrDamaged].
func (r *fixRow) toFix(f *track.Fix) error {
	for i, to := range [...]*int32{
		&r.AccuracyDM, &r.AltitudeDM, &r.VerticalAccuracyDM, &r.SpeedCMS, &r.CourseDD, &r.BatteryPct, &r.Charging, &r.Mock,
	} {
		*to = track.Unknown
		if r.optional[i].Valid {
			*to = r.optional[i].V
		}
	}
	r.Trigger, r.Network = r.cause.String, r.network.String
	return r.ToFix(f)
}

const selectFixes = "SELECT " + fixColumns + " FROM fix WHERE employee_id = ?1 AND recorded_us < ?3" +
	" AND (recorded_us, digest) > (?2, ?4) ORDER BY recorded_us, digest LIMIT ?5"

// Fixes implements [track.Ledger]. A page has at most 10,000 fixes, 1,000 if
// no limit is set.
func (s *Store) Fixes(ctx context.Context, f track.FixFilter) (fixes []track.Fix, next track.FixCursor, err error) {
	limit := row.Limit(f.Limit)
	after := row.After(f)
	err = s.read(ctx, "read fixes", func(ctx context.Context) error {
		id, ok, err := s.employee(ctx, f.Company, f.Employee)
		if err != nil || !ok {
			return err
		}
		var r fixRow
		return s.tryEach(ctx, r.targets(), func() error {
			fix := track.Fix{Company: f.Company, Employee: f.Employee}
			if err := r.toFix(&fix); err != nil {
				return fmt.Errorf("%s of %s: %w", f.Employee, f.Company, err)
			}
			fixes = append(fixes, fix)
			if len(fixes) == limit {
				next = track.FixCursor{RecordedUS: r.RecordedUS, Digest: r.Digest}
			}
			return nil
		}, selectFixes, id, after.RecordedUS, row.Bound(f.To, math.MaxInt64), after.Digest, limit+1)
	})
	if err != nil {
		return nil, track.FixCursor{}, err
	}
	if len(fixes) <= limit {
		return fixes, track.FixCursor{}, nil
	}
	return fixes[:limit], next, nil
}

// employee finds the id of an employee.
func (s *Store) employee(ctx context.Context, company, employee string) (id int64, ok bool, err error) {
	err = s.forEach(ctx, []any{&id}, func() { ok = true },
		"SELECT e.id FROM employee e JOIN company c ON c.id = e.company_id WHERE c.key = ? AND e.key = ?", company, employee)
	return id, ok, err
}

// Positions implements [track.Ledger].
func (s *Store) Positions(ctx context.Context, company string) (ps []track.Position, err error) {
	query := "SELECT c.key, e.key, e.name, p.interval_s, p.changed, p." + strings.ReplaceAll(fixColumns, ", ", ", p.") +
		" FROM position p JOIN employee e ON e.id = p.employee_id JOIN company c ON c.id = e.company_id" +
		" WHERE ?1 = '' OR c.key = ?1 ORDER BY c.key, e.key"
	err = s.read(ctx, "read positions", func(ctx context.Context) error {
		var (
			r        fixRow
			p        track.Position
			interval sql.NullFloat64
		)
		targets := append([]any{&p.Company, &p.Employee, &p.Name, &interval, &p.Changed}, r.targets()...)
		return s.tryEach(ctx, targets, func() error {
			if err := r.toFix(&p.Fix); err != nil {
				return fmt.Errorf("last-known position of %s of %s: %w", p.Employee, p.Company, err)
			}
			p.IntervalS = track.Optional[float64]{Value: interval.Float64, Known: interval.Valid}
			ps = append(ps, p)
			return nil
		}, query, company)
	})
	if err != nil {
		return nil, err
	}
	return ps, nil
}
