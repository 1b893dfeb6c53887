package journaltest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"fieldcast/journal"
)

func testTruncate(t *testing.T, open Opener) {
	dir := t.TempDir()
	j := open.open(t, dir, 0)
	want := must(t, j, 1, 100)
	truncate(t, j, 40, 41)
	compare(t, readAll(t, j, 41, 60), want[40:])
	truncate(t, j, 10, 41) // behind us already
	truncate(t, j, 0, 41)
	compare(t, readAll(t, j, 41, 60), want[40:])
	_, err := j.Read(testContext(t), 0, 1)
	wantError(t, "read from 0", err, journal.ErrTruncated)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open.open(t, dir, 0)
	compare(t, readAll(t, j, 41, 60), want[40:])
	if s := j.Stats(); s.First > 41 || s.Last != 100 {
		t.Errorf("after reopening: first %d, last %d; want at most 41, and 100", s.First, s.Last)
	}
}

// truncate cuts off, and checks that the first record is not beyond limit.
func truncate(t *testing.T, j journal.Journal, seq, limit uint64) {
	t.Helper()
	if err := j.Truncate(seq); err != nil {
		t.Fatalf("truncate %d: %v", seq, err)
	}
	s := j.Stats()
	if s.First > limit {
		t.Fatalf("truncate %d cut off more: first is %d, may be %d", seq, s.First, limit)
	}
	if s.First > 1 {
		_, err := j.Read(testContext(t), s.First-1, 1)
		wantError(t, "read in front of the first", err, journal.ErrTruncated)
	}
}

func testTruncateAll(t *testing.T, open Opener) {
	dir := t.TempDir()
	j := open.open(t, dir, 0)
	must(t, j, 1, 50)
	for _, seq := range []uint64{50, 50, 1000} { // 1000 is not there yet
		if err := j.Truncate(seq); err != nil {
			t.Fatal(err)
		}
	}
	if r := must(t, j, 51, 51)[0]; r.Seq != 51 {
		t.Fatalf("the number behind 50 is %d", r.Seq)
	}
	if r := readAll(t, j, 51, 1)[0]; r.Employee != "e51" {
		t.Fatalf("got %+v", r)
	}
	if err := j.Truncate(51); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	// Numbers are not given twice, even if nothing is left.
	j = open.open(t, dir, 0)
	if r := must(t, j, 52, 52)[0]; r.Seq != 52 {
		t.Fatalf("the number behind 51 is %d after reopening", r.Seq)
	}
	if r := readAll(t, j, 52, 1)[0]; r.Employee != "e52" {
		t.Fatalf("got %+v", r)
	}
}

// A bridge cuts off behind itself while phones append.
func testTruncateWhileReading(t *testing.T, open Opener) {
	const records = 2000
	j := open.open(t, t.TempDir(), 2<<20)
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	payload := bytes.Repeat([]byte("p"), 2<<10)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for ctx.Err() == nil {
				r := sample(1)
				r.Payload = payload
				if _, err := j.Append(ctx, r); err != nil && !errors.Is(err, journal.ErrFull) && ctx.Err() == nil {
					t.Errorf("append: %v", err)
					return
				}
			}
		})
	}
	for seq := uint64(1); seq <= records; {
		rs, err := read(ctx, j, seq, 1)
		if err != nil {
			t.Errorf("read: %v", err)
			break
		}
		if !bytes.Equal(rs[0].Payload, payload) {
			t.Errorf("record %d has a wrong payload", seq)
			break
		}
		if seq%10 == 0 {
			if err := j.Truncate(seq); err != nil {
				t.Errorf("truncate: %v", err)
				break
			}
		}
		seq++
	}
	cancel()
	group.Wait()
}

func testSkip(t *testing.T, open Opener) {
	dir := t.TempDir()
	j := open.open(t, dir, 0)
	for _, seq := range []uint64{0, 1000, 1000, 500} {
		if err := j.Skip(seq); err != nil {
			t.Fatalf("skip %d: %v", seq, err)
		}
	}
	want := must(t, j, 1, 10)
	if want[0].Seq != 1001 {
		t.Fatalf("the number behind 1000 is %d", want[0].Seq)
	}
	_, err := j.Read(testContext(t), 1000, 1)
	wantError(t, "read what was skipped", err, journal.ErrTruncated)
	compare(t, readAll(t, j, 1001, 10), want)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open.open(t, dir, 0)
	if s := j.Stats(); s.First != 1001 || s.Last != 1010 {
		t.Fatalf("after reopening: first %d, last %d; want 1001, 1010", s.First, s.Last)
	}
	compare(t, readAll(t, j, 1001, 10), want)
	if err := j.Skip(1010); err != nil {
		t.Errorf("skip to where it stands: %v", err)
	}
}

func testSkipOverRecords(t *testing.T, open Opener) {
	j := open.open(t, t.TempDir(), 0)
	want := must(t, j, 1, 10)
	if err := j.Skip(10); err != nil {
		t.Errorf("skip to where it stands: %v", err)
	}
	wantError(t, "skip over the end of another database's journal", j.Skip(11), journal.ErrCorrupt)
	want = append(want, must(t, j, 11, 11)...)
	compare(t, readAll(t, j, 1, 11), want)
}

func testClosed(t *testing.T, open Opener) {
	j := open.open(t, t.TempDir(), 0)
	must(t, j, 1, 3)

	// Appends under way end well, later ones do not begin.
	var group sync.WaitGroup
	for n := range 20 {
		group.Go(func() {
			for {
				if _, err := j.Append(t.Context(), sample(n)); err != nil {
					wantError(t, "append while closing", err, journal.ErrClosed)
					return
				}
			}
		})
	}
	for range 3 {
		group.Go(func() {
			if err := j.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	group.Wait()

	_, err := j.Append(t.Context(), sample(1))
	wantError(t, "append", err, journal.ErrClosed)
	_, err = j.Read(t.Context(), 1, 1)
	wantError(t, "read", err, journal.ErrClosed)
	wantError(t, "truncate", j.Truncate(1), journal.ErrClosed)
	wantError(t, "skip", j.Skip(1), journal.ErrClosed)
	if err := j.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
	j.Stats() // does not panic
	if err := j.Err(); err != nil {
		t.Errorf("closed is not failed: %v", err)
	}
}

func testNotFailed(t *testing.T, open Opener) {
	j := open.open(t, t.TempDir(), 0)
	must(t, j, 1, 3)
	select {
	case <-j.Failed():
		t.Errorf("failed: %v", j.Err())
	default:
	}
	if err := j.Err(); err != nil {
		t.Error(err)
	}
}
