package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"fieldcast/store/internal/row"
)

// A fix has a partition of its month only if it was received within this time
// around its date. What is further off (a clock that was never set, an import
// of old tracks, a hostile phone) goes to the partition fix_other: nobody can
// make more partitions than months pass.
const (
	longestAgo   = 400 * 24 * time.Hour
	longestAhead = 2 * 24 * time.Hour
)

// partitionLock is the advisory lock of those who make partitions.
const partitionLock = 0x6669656c64 // "field"

// month is a calendar month in UTC, counted from year 0.
type month int

func monthOf(us int64) month {
	t := row.Time(us)
	return month(t.Year()*12 + int(t.Month()) - 1)
}

func (m month) start() time.Time {
	return time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, time.UTC)
}

// table is the name of the month's partition, made of digits only.
func (m month) table() string { return m.start().Format("fix_2006_01") }

// monthsOf returns the months whose partitions the fixes need.
func monthsOf(fixes []row.PersonFix) map[month]bool {
	months := make(map[month]bool)
	for i := range fixes {
		f := &fixes[i]
		age := f.ReceivedUS - f.RecordedUS
		if age <= longestAgo.Microseconds() && age >= -longestAhead.Microseconds() {
			months[monthOf(f.RecordedUS)] = true
		}
	}
	return months
}

// makePartitions makes the partitions that the fixes need and that are not
// there. If the user may not, the fixes go to fix_other.
func (s *Store) makePartitions(ctx context.Context, fixes []row.PersonFix) error {
	for m := range monthsOf(fixes) {
		if s.months[m] {
			continue
		}
		err := s.write(ctx, "make partition "+m.table(), func(ctx context.Context, tx pgx.Tx) error { return makePartition(ctx, tx, m) })
		if sqlstate(err) == codePrivilege {
			s.log.Warn("the database user may not make partitions: fixes go to fix_other", "partition", m.table(), "error", err)
			err = nil
		}
		if err != nil {
			return err
		}
		s.months[m] = true
	}
	return nil
}

// makePartition makes a table, moves to it what has arrived for this month
// already (from phones whose clocks were ahead), and attaches it. Unlike
// CREATE TABLE … PARTITION OF, ATTACH lets others go on with the table fix.
func makePartition(ctx context.Context, tx pgx.Tx, m month) error {
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))", int32(partitionLock&0x7fffffff)); err != nil {
		return err
	}
	var there bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'fix'::regclass AND c.relname = $1)`, m.table()).Scan(&there)
	if err != nil || there {
		return err
	}
	name := pgx.Identifier{m.table()}.Sanitize()
	from, to := m.start().UnixMicro(), (m + 1).start().UnixMicro()
	for _, sql := range []string{
		fmt.Sprintf("CREATE TABLE %s (LIKE fix INCLUDING ALL)", name),
		"LOCK TABLE fix_other IN ACCESS EXCLUSIVE MODE",
		fmt.Sprintf("WITH moved AS (DELETE FROM fix_other WHERE recorded_us >= %d AND recorded_us < %d RETURNING *) INSERT INTO %s SELECT * FROM moved",
			from, to, name),
		fmt.Sprintf("ALTER TABLE fix ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)", name, from, to),
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}
