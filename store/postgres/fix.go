package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

// fixColumns are the columns that fix and position share, in the order of
// [arrays.args] and [fixRow.targets].
const fixColumns = "employee_id, recorded_us, digest, lat_e7, lon_e7, accuracy_dm, altitude_dm, vertical_accuracy_dm, speed_cms, course_dd, " +
	"battery_pct, charging, mock, cause, network, quality, received_us, seq"

// fixArrays are the types of fixColumns for unnest.
const fixArrays = "$1::int[], $2::bigint[], $3::bigint[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[], $10::int[], " +
	"$11::smallint[], $12::bool[], $13::bool[], $14::text[], $15::text[], $16::smallint[], $17::bigint[], $18::bigint[]"

// arrays are rows as columns.
type arrays struct {
	employee                        []int32
	recorded, digest, received, seq []int64
	lat, lon                        []int32
	optional                        [5][]pgtype.Int4
	battery                         []pgtype.Int2
	charging, mock                  []pgtype.Bool
	cause, network                  []pgtype.Text
	quality                         []int16
}

func (a *arrays) add(employee int32, f *row.Fix) {
	a.employee = append(a.employee, employee)
	a.recorded = append(a.recorded, f.RecordedUS)
	a.digest = append(a.digest, f.Digest)
	a.lat = append(a.lat, f.LatE7)
	a.lon = append(a.lon, f.LonE7)
	for i, v := range [...]int32{f.AccuracyDM, f.AltitudeDM, f.VerticalAccuracyDM, f.SpeedCMS, f.CourseDD} {
		a.optional[i] = append(a.optional[i], pgtype.Int4{Int32: v, Valid: v != track.Unknown})
	}
	a.battery = append(a.battery, pgtype.Int2{Int16: int16(f.BatteryPct), Valid: f.BatteryPct != track.Unknown})
	a.charging = append(a.charging, pgtype.Bool{Bool: f.Charging == 1, Valid: f.Charging != track.Unknown})
	a.mock = append(a.mock, pgtype.Bool{Bool: f.Mock == 1, Valid: f.Mock != track.Unknown})
	a.cause = append(a.cause, pgtype.Text{String: f.Trigger, Valid: f.Trigger != ""})
	a.network = append(a.network, pgtype.Text{String: f.Network, Valid: f.Network != ""})
	a.quality = append(a.quality, int16(f.Quality))
	a.received = append(a.received, f.ReceivedUS)
	a.seq = append(a.seq, f.Seq)
}

func (a *arrays) args() []any {
	o := a.optional
	return []any{
		a.employee, a.recorded, a.digest, a.lat, a.lon, o[0], o[1], o[2], o[3], o[4],
		a.battery, a.charging, a.mock, a.cause, a.network, a.quality, a.received, a.seq,
	}
}

// fixRow receives the values of [fixColumns] without employee_id.
type fixRow struct {
	row.Fix
	optional       [5]pgtype.Int4
	battery        pgtype.Int2
	charging, mock pgtype.Bool
	cause, network pgtype.Text
}

// fixValues are the columns that a fixRow receives.
var fixValues = strings.TrimPrefix(fixColumns, "employee_id, ")

func (r *fixRow) targets() []any {
	return []any{
		&r.RecordedUS, &r.Digest, &r.LatE7, &r.LonE7,
		&r.optional[0], &r.optional[1], &r.optional[2], &r.optional[3], &r.optional[4],
		&r.battery, &r.charging, &r.mock, &r.cause, &r.network, &r.Quality, &r.ReceivedUS, &r.Seq,
	}
}

// toFix sets everything of f but the person, or returns [row.ErrDamaged].
func (r *fixRow) toFix(f *track.Fix) error {
	for i, to := range [...]*int32{&r.AccuracyDM, &r.AltitudeDM, &r.VerticalAccuracyDM, &r.SpeedCMS, &r.CourseDD} {
		*to = orUnknown(r.optional[i].Int32, r.optional[i].Valid)
	}
	r.BatteryPct = orUnknown(int32(r.battery.Int16), r.battery.Valid)
	r.Charging = orUnknown(number(r.charging.Bool), r.charging.Valid)
	r.Mock = orUnknown(number(r.mock.Bool), r.mock.Valid)
	r.Trigger, r.Network = r.cause.String, r.network.String
	return r.ToFix(f)
}

func orUnknown(v int32, known bool) int32 {
	if !known {
		return track.Unknown
	}
	return v
}

func number(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

var selectFixes = "SELECT " + fixValues + " FROM fix WHERE employee_id = $1 AND recorded_us >= $2 AND recorded_us < $3" +
	" AND (recorded_us, digest) > ($2, $4) ORDER BY recorded_us, digest LIMIT $5"

// Fixes implements [track.Ledger]. A page has at most 10,000 fixes, 1,000 if
// no limit is set.
func (s *Store) Fixes(ctx context.Context, f track.FixFilter) (fixes []track.Fix, next track.FixCursor, err error) {
	limit := row.Limit(f.Limit)
	after := row.After(f)
	err = s.call(ctx, "read fixes", func(ctx context.Context, conn *pgx.Conn) error {
		var id int32
		err := conn.QueryRow(ctx, "SELECT e.id FROM employee e JOIN company c ON c.id = e.company_id WHERE c.key = $1 AND e.key = $2",
			row.Text(f.Company), row.Text(f.Employee)).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		rows, err := conn.Query(ctx, selectFixes, id, after.RecordedUS, row.Bound(f.To, math.MaxInt64), after.Digest, limit+1)
		if err != nil {
			return err
		}
		var r fixRow
		_, err = pgx.ForEachRow(rows, r.targets(), func() error {
			fix := track.Fix{Company: f.Company, Employee: f.Employee}
			if err := r.toFix(&fix); err != nil {
				return fmt.Errorf("%s of %s: %w", f.Employee, f.Company, err)
			}
			fixes = append(fixes, fix)
			if len(fixes) == limit {
				next = track.FixCursor{RecordedUS: r.RecordedUS, Digest: r.Digest}
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, track.FixCursor{}, err
	}
	if len(fixes) <= limit {
		return fixes, track.FixCursor{}, nil
	}
	return fixes[:limit], next, nil
}

// Positions implements [track.Ledger].
func (s *Store) Positions(ctx context.Context, company string) (ps []track.Position, err error) {
	query := "SELECT c.key, e.key, e.name, p.interval_s, p.changed, p." + strings.ReplaceAll(fixValues, ", ", ", p.") +
		" FROM position p JOIN employee e ON e.id = p.employee_id JOIN company c ON c.id = e.company_id" +
		" WHERE $1 = '' OR c.key = $1 ORDER BY c.key, e.key"
	err = s.call(ctx, "read positions", func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, query, row.Text(company))
		if err != nil {
			return err
		}
		var (
			r        fixRow
			p        track.Position
			interval pgtype.Float8
			changed  int64
		)
		targets := append([]any{&p.Company, &p.Employee, &p.Name, &interval, &changed}, r.targets()...)
		_, err = pgx.ForEachRow(rows, targets, func() error {
			if err := r.toFix(&p.Fix); err != nil {
				return fmt.Errorf("last-known position of %s of %s: %w", p.Employee, p.Company, err)
			}
			p.IntervalS = track.Optional[float64]{Value: interval.Float64, Known: interval.Valid}
			p.Changed = uint64(changed)
			ps = append(ps, p)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return ps, nil
}
