package journaltest

import (
	"context"
	"sync"
	"testing"
	"time"

	"fieldcast/journal"
)

func testReadMax(t *testing.T, open Opener) {
	dir := t.TempDir()
	j := open.open(t, dir, 0)
	must(t, j, 1, 30)
	check := func(j journal.Journal) {
		t.Helper()
		for _, max := range []int{1, 2, 7, 30, 1000} {
			for seq := uint64(1); seq <= 30; seq += 5 {
				rs, err := j.Read(testContext(t), seq, max)
				if err != nil || len(rs) < 1 || len(rs) > max {
					t.Fatalf("read from %d, at most %d: %d records, error %v", seq, max, len(rs), err)
				}
				for i, r := range rs {
					if r.Seq != seq+uint64(i) {
						t.Fatalf("read from %d: record %d at place %d", seq, r.Seq, i)
					}
				}
			}
		}
	}
	check(j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	check(open.open(t, dir, 0))
}

// later runs f after the caller had time to begin to wait. Nothing depends on
// that time but what is tested.
func later(group *sync.WaitGroup, f func()) {
	group.Go(func() {
		time.Sleep(20 * time.Millisecond)
		f()
	})
}

func testReadWaits(t *testing.T, open Opener) {
	j := open.open(t, t.TempDir(), 0)
	ctx := testContext(t)
	add := func(from, to int) {
		for n := from; n <= to; n++ {
			if _, err := j.Append(ctx, sample(n)); err != nil {
				t.Errorf("append %d: %v", n, err)
			}
		}
	}
	var group sync.WaitGroup
	defer group.Wait()
	for n := 1; n <= 5; n++ {
		later(&group, func() { add(n, n) })
		rs, err := j.Read(testContext(t), uint64(n), 10)
		if err != nil || len(rs) != 1 || rs[0].Seq != uint64(n) {
			t.Fatalf("read from %d: %v, error %v", n, rs, err)
		}
		group.Wait()
	}
	// A number that is further away.
	later(&group, func() { add(6, 10) })
	rs, err := j.Read(testContext(t), 10, 10)
	if err != nil || len(rs) != 1 || rs[0].Seq != 10 {
		t.Fatalf("read from 10: %v, error %v", rs, err)
	}
}

func testReadCanceled(t *testing.T, open Opener) {
	j := open.open(t, t.TempDir(), 0)
	must(t, j, 1, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := j.Read(ctx, 4, 1)
	wantError(t, "read that waits until its deadline", err, context.DeadlineExceeded)

	_, err = j.Read(ctx, 1, 1)
	wantError(t, "read with a context that is over", err, context.DeadlineExceeded)
	readAll(t, j, 1, 3) // nothing is broken
}

func testReadClosed(t *testing.T, open Opener) {
	j := open.open(t, t.TempDir(), 0)
	must(t, j, 1, 3)
	var group sync.WaitGroup
	defer group.Wait()
	later(&group, func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	_, err := j.Read(testContext(t), 4, 1)
	wantError(t, "read that waits when the journal is closed", err, journal.ErrClosed)
}

// Readers that begin at the front, each at its own pace, see the same while
// records are appended.
func testManyReaders(t *testing.T, open Opener) {
	const readers, records = 12, 600
	j := open.open(t, t.TempDir(), 0)
	ctx := testContext(t)
	var group sync.WaitGroup
	for i := range readers {
		group.Go(func() {
			seq := uint64(1)
			for seq <= records {
				rs, err := j.Read(ctx, seq, 1+i*i)
				if err != nil {
					t.Errorf("reader %d from %d: %v", i, seq, err)
					return
				}
				for _, r := range rs {
					want := sample(int(r.Seq % 100))
					want.Seq = seq
					want.Employee = r.Employee
					if diff := same(r, want); diff != "" {
						t.Errorf("reader %d\n%s", i, diff)
						return
					}
					seq++
				}
			}
		})
	}
	for seq := uint64(1); seq <= records; seq++ {
		r := sample(int(seq % 100))
		if got, err := j.Append(ctx, r); err != nil || got != seq {
			t.Fatalf("append %d: number %d, error %v", seq, got, err)
		}
	}
	group.Wait()
}
