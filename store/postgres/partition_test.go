package postgres_test

import (
	"sync"
	"testing"
	"time"

	"fieldcast/track"
)

// dated returns a batch with one fix of each date, received on a day.
func dated(after uint64, received time.Time, dates ...time.Time) track.Batch {
	b := track.Batch{After: after, Through: after + 1}
	for _, at := range dates {
		b.Fixes = append(b.Fixes, track.Fix{Company: "acme", Employee: "e1", RecordedAt: at, ReceivedAt: received, Seq: b.Through}.Round())
	}
	return b
}

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
}

const partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'fix'::regclass"

func TestPartitions(t *testing.T) {
	server := database(t)
	s := open(t, server)
	received := day(2026, time.November, 30)
	first := dated(0, received, day(2026, time.November, 1), day(2026, time.December, 1), day(2025, time.December, 31),
		day(1970, time.January, 1), day(2020, time.May, 5), day(2027, time.January, 1), day(9999, time.December, 31))
	if r, err := s.Commit(t.Context(), first); err != nil || r.Stored != 7 {
		t.Fatalf("got %+v, %v, want seven stored", r, err)
	}
	if n := count(t, server, partitions); n != 4 {
		t.Errorf("got %d partitions, want three months and fix_other", n)
	}
	if n := count(t, server, "SELECT count(*) FROM fix_other"); n != 4 {
		t.Errorf("got %d fixes of far-off dates, want 4", n)
	}
	// January comes: the fix that was ahead moves into its partition.
	second := dated(1, day(2027, time.January, 2), day(2027, time.January, 1), day(2027, time.January, 2))
	if r, err := s.Commit(t.Context(), second); err != nil || r.Stored != 1 || r.Duplicate != 1 {
		t.Fatalf("got %+v, %v, want one stored and one there already", r, err)
	}
	if n := count(t, server, "SELECT count(*) FROM fix_2027_01"); n != 2 {
		t.Errorf("got %d fixes in the partition of January, want 2", n)
	}
}

// TestPartitionsTogether has two stores, as two processes would, need the same
// new month at the same moment.
func TestPartitionsTogether(t *testing.T) {
	server := database(t)
	a, b := open(t, server), open(t, server)
	var wg sync.WaitGroup
	var winners [2]error
	for i, s := range []track.Store{a, b} {
		wg.Go(func() {
			_, winners[i] = s.Commit(t.Context(), dated(0, day(2026, time.May, 5), day(2026, time.May, 4)))
		})
	}
	wg.Wait()
	if (winners[0] == nil) == (winners[1] == nil) {
		t.Fatalf("got errors %v, want one conflict", winners)
	}
	if n := count(t, server, partitions); n != 2 {
		t.Errorf("got %d partitions, want one month and fix_other", n)
	}
}

// TestDroppedPartition is what retention does while the store runs.
func TestDroppedPartition(t *testing.T) {
	server := database(t)
	s := open(t, server)
	at := day(2026, time.May, 5)
	if _, err := s.Commit(t.Context(), dated(0, at, at)); err != nil {
		t.Fatal(err)
	}
	admin(t, server, "DROP TABLE fix_2026_05")
	if r, err := s.Commit(t.Context(), dated(1, at, at)); err != nil || r.Stored != 1 {
		t.Fatalf("got %+v, %v, want the fix in fix_other", r, err)
	}
}

// TestNoRightToMakePartitions: fixes are stored all the same.
func TestNoRightToMakePartitions(t *testing.T) {
	server := database(t)
	open(t, server)
	role := dbName(t, server) + "_writer"
	admin(t, server, "CREATE ROLE "+role+" LOGIN")
	t.Cleanup(func() { admin(t, server, "DROP OWNED BY "+role); admin(t, server, "DROP ROLE "+role) })
	admin(t, server, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	admin(t, server, "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO "+role)
	s := open(t, with(t, server, "user", role))
	at := day(2026, time.May, 5)
	if r, err := s.Commit(t.Context(), dated(0, at, at)); err != nil || r.Stored != 1 {
		t.Fatalf("got %+v, %v, want the fix in fix_other", r, err)
	}
}
