package journaltest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fieldcast/journal"
)

func testFields(t *testing.T, open Opener) {
	dir := t.TempDir()
	zone := time.FixedZone("IST", 5*3600+1800)
	records := []journal.Record{
		{Kind: journal.Message, Company: "acme", Employee: "e17", Topic: "fc/acme/e17", Payload: []byte("{}"), Size: 2,
			ReceivedAt: time.Date(2026, 11, 23, 10, 0, 0, 123456789, time.UTC)},
		{Kind: journal.Connected, Company: "acme", Employee: "e17", ReceivedAt: time.Date(1969, 12, 31, 23, 59, 59, 1, time.UTC)},
		{Kind: journal.Disconnected, Company: "acme", Employee: "e17", ReceivedAt: time.Now().In(zone)},
		{Kind: journal.Started},
		{Kind: journal.Message, Company: "c", Employee: "e", Topic: strings.Repeat("t", 300), Payload: []byte{0, 0xff, '\n', 0xc3, 0x28},
			Rejected: "too_large", Size: 1 << 30, ReceivedAt: time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)},
		{Kind: 250, Company: "größe", Employee: "\x00\xff", Topic: "日本", Payload: bytes.Repeat([]byte{0}, 100), Size: -1},
	}
	want := slices.Clone(records)
	j := open.open(t, dir, 0)
	for i, r := range records {
		r.Seq = 999 // Append sets it
		seq, err := j.Append(testContext(t), r)
		if err != nil {
			t.Fatal(err)
		}
		want[i].Seq, want[i].ReceivedAt = seq, r.ReceivedAt.Round(0).UTC()
	}
	compare(t, readAll(t, j, 1, len(want)), want)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	compare(t, readAll(t, open.open(t, dir, 0), 1, len(want)), want)
}

func testNumbers(t *testing.T, open Opener) {
	j := open.open(t, t.TempDir(), 0)
	if s := j.Stats(); s.First != 1 || s.Last != 0 {
		t.Errorf("empty: first %d, last %d; want 1, 0", s.First, s.Last)
	}
	for n, r := range must(t, j, 1, 20) {
		if r.Seq != uint64(n+1) {
			t.Errorf("append %d got number %d", n+1, r.Seq)
		}
	}
	if s := j.Stats(); s.First != 1 || s.Last != 20 || s.Bytes <= 0 {
		t.Errorf("20 records: stats %+v", s)
	}
}

func testPayloadNotKept(t *testing.T, open Opener) {
	j := open.open(t, t.TempDir(), 0)
	r := sample(1)
	want := bytes.Clone(r.Payload)
	if _, err := j.Append(testContext(t), r); err != nil {
		t.Fatal(err)
	}
	clear(r.Payload)
	if got := readAll(t, j, 1, 1)[0].Payload; !bytes.Equal(got, want) {
		t.Errorf("payload is now %q, was %q", got, want)
	}
}

func testLargePayloads(t *testing.T, open Opener) {
	dir := t.TempDir()
	j := open.open(t, dir, 0)
	var want []journal.Record
	for i, size := range []int{0, 1, 4095, 65535, 65536, 65537, 256 << 10, 3, 1 << 20, 5} {
		r := sample(i)
		r.Payload = bytes.Repeat([]byte{byte(i), byte(size)}, size/2+1)[:size]
		if size == 0 {
			r.Payload = nil
		}
		seq, err := j.Append(testContext(t), r)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		r.Seq = seq
		want = append(want, r)
	}
	compare(t, readAll(t, j, 1, len(want)), want)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	compare(t, readAll(t, open.open(t, dir, 0), 1, len(want)), want)
}

// Order of numbers is order of arrival: what one goroutine appends, waiting for
// each, is in its order; and all numbers are given once.
func testConcurrentAppends(t *testing.T, open Opener) {
	const goroutines, each = 50, 40
	j := open.open(t, t.TempDir(), 0)
	ctx := testContext(t)
	var group sync.WaitGroup
	for g := range goroutines {
		group.Go(func() {
			before := uint64(0)
			for n := range each {
				r := sample(g)
				r.Payload = []byte(fmt.Sprint(n))
				seq, err := j.Append(ctx, r)
				if err != nil || seq <= before {
					t.Errorf("append: number %d after %d, error %v", seq, before, err)
					return
				}
				before = seq
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	next := map[string]int{}
	for _, r := range readAll(t, j, 1, goroutines*each) {
		if got, want := string(r.Payload), fmt.Sprint(next[r.Employee]); got != want {
			t.Fatalf("%s: record %s where %s should be", r.Employee, got, want)
		}
		next[r.Employee]++
	}
	if s := j.Stats(); s.Last != goroutines*each {
		t.Errorf("last is %d, want %d", s.Last, goroutines*each)
	}
}

func testCanceledAppend(t *testing.T, open Opener) {
	j := open.open(t, t.TempDir(), 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := j.Append(ctx, sample(1))
	wantError(t, "append with a canceled context", err, context.Canceled)

	// Appends that are canceled at any moment either return a number or the
	// error of their context, and leave no hole.
	var group sync.WaitGroup
	for g := range 20 {
		group.Go(func() {
			for n := range 20 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration((g*n)%7)*300*time.Microsecond)
				if _, err := j.Append(ctx, sample(n)); err != nil && ctx.Err() == nil {
					t.Errorf("append: %v", err)
				}
				cancel()
			}
		})
	}
	group.Wait()
	last := must(t, j, 1000, 1000)[0]
	all := readAll(t, j, 1, int(last.Seq))
	compare(t, all[len(all)-1:], []journal.Record{last})
}

func testReopen(t *testing.T, open Opener) {
	dir := t.TempDir()
	var want []journal.Record
	for round := range 4 {
		j := open.open(t, dir, 0)
		if s := j.Stats(); s.First != 1 || s.Last != uint64(len(want)) {
			t.Fatalf("round %d: first %d, last %d; want 1, %d", round, s.First, s.Last, len(want))
		}
		want = append(want, must(t, j, round*100, round*100+49)...)
		compare(t, readAll(t, j, 1, len(want)), want)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func testFull(t *testing.T, open Opener) {
	const limit = 1 << 20
	dir := t.TempDir()
	j := open.open(t, dir, limit)
	payload := bytes.Repeat([]byte("p"), 4<<10)
	fill := func() uint64 {
		t.Helper()
		for n := 0; ; n++ {
			r := sample(n)
			r.Payload = payload
			_, err := j.Append(testContext(t), r)
			s := j.Stats()
			if s.Bytes > limit || s.MaxBytes != limit {
				t.Fatalf("stats %+v are past the limit of %d", s, limit)
			}
			if err != nil {
				wantError(t, "append to a full journal", err, journal.ErrFull)
				return s.Last
			}
			if n*len(payload) > 2*limit {
				t.Fatalf("took %d bytes in spite of the limit", n*len(payload))
			}
		}
	}
	last := fill()
	if last < 20 {
		t.Errorf("full after %d records of 4 KiB; the limit is 1 MiB", last)
	}
	// Still full, still readable, not failed.
	_, err := j.Append(testContext(t), journal.Record{Payload: payload})
	wantError(t, "append to a full journal", err, journal.ErrFull)
	if err := j.Err(); err != nil {
		t.Errorf("a full journal has failed: %v", err)
	}
	readAll(t, j, 1, int(last))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open.open(t, dir, limit)
	_, err = j.Append(testContext(t), journal.Record{Payload: payload})
	wantError(t, "append to a full journal after reopening", err, journal.ErrFull)

	for range 3 { // space comes back, again and again
		if err := j.Truncate(j.Stats().Last); err != nil {
			t.Fatal(err)
		}
		before := j.Stats().Last
		if after := fill(); after < before+20 {
			t.Fatalf("%d records fit after everything was cut off", after-before)
		}
	}
}
