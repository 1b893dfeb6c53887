// Package journaltest holds every implementation of [journal.Journal] to its
// contract.
package journaltest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fieldcast/journal"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// Opener opens the journal of a folder, which the implementation may use as it
// likes: the same folder is the same journal. maxBytes 0 is no limit. The
// journal is closed by the tests; an implementation that fails to open fails t.
type Opener func(t *testing.T, dir string, maxBytes int64) journal.Journal

// Run runs the suite. open opens an empty journal for a folder that it has not
// seen, and the same one again for one that it has.
func Run(t *testing.T, open func(t *testing.T, dir string, maxBytes int64) journal.Journal) {
	o := Opener(open)
	tests := []struct {
		name string
		run  func(*testing.T, Opener)
	}{
		{"fields come back", testFields},
		{"numbers are 1, 2, 3", testNumbers},
		{"payload is not kept", testPayloadNotKept},
		{"large payloads", testLargePayloads},
		{"concurrent appends", testConcurrentAppends},
		{"canceled append", testCanceledAppend},
		{"survives reopening", testReopen},
		{"read gives at most max", testReadMax},
		{"read waits", testReadWaits},
		{"read ends with its context", testReadCanceled},
		{"read ends when closed", testReadClosed},
		{"many readers", testManyReaders},
		{"truncate", testTruncate},
		{"truncate everything", testTruncateAll},
		{"truncate while reading", testTruncateWhileReading},
		{"skip", testSkip},
		{"skip over records", testSkipOverRecords},
		{"full", testFull},
		{"closed", testClosed},
		{"not failed", testNotFailed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, o) })
	}
}

// open opens a journal and closes it at the end.
func (o Opener) open(t *testing.T, dir string, maxBytes int64) journal.Journal {
	t.Helper()
	j := o(t, dir, maxBytes)
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return j
}

// context returns one that ends when the test has taken far too long.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// sample is a record that differs for each n in all fields.
func sample(n int) journal.Record {
	return journal.Record{
		Kind:       journal.Message,
		Company:    fmt.Sprintf("acme-%d", n%7),
		Employee:   fmt.Sprintf("e%d", n),
		Topic:      fmt.Sprintf("fc/acme-%d/e%d", n%7, n),
		Payload:    []byte(fmt.Sprintf(`{"_type":"location","n":%d,"pad":"%s"}`, n, strings.Repeat("x", n%97))),
		Size:       n * 3,
		ReceivedAt: time.Unix(1_800_000_000+int64(n), int64(n%1e9)).UTC(),
	}
}

// must appends the samples from..to and returns their records.
func must(t *testing.T, j journal.Journal, from, to int) []journal.Record {
	t.Helper()
	var rs []journal.Record
	for n := from; n <= to; n++ {
		r := sample(n)
		seq, err := j.Append(testContext(t), r)
		if err != nil {
			t.Fatalf("append %d: %v", n, err)
		}
		r.Seq = seq
		rs = append(rs, r)
	}
	return rs
}

// readAll reads n records from seq on, and checks that there is no hole.
func readAll(t *testing.T, j journal.Journal, seq uint64, n int) []journal.Record {
	t.Helper()
	rs, err := read(testContext(t), j, seq, n)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func read(ctx context.Context, j journal.Journal, seq uint64, n int) ([]journal.Record, error) {
	var all []journal.Record
	for len(all) < n {
		rs, err := j.Read(ctx, seq, n-len(all))
		if err != nil {
			return all, fmt.Errorf("read from %d: %w", seq, err)
		}
		if len(rs) < 1 || len(rs) > n-len(all) {
			return all, fmt.Errorf("read from %d, at most %d: got %d records", seq, n-len(all), len(rs))
		}
		for _, r := range rs {
			if r.Seq != seq {
				return all, fmt.Errorf("got record %d where %d should be", r.Seq, seq)
			}
			seq++
		}
		all = append(all, rs...)
	}
	return all, nil
}

// same reports how two records differ, "" if they do not.
func same(got, want journal.Record) string {
	g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want)
	if g == w && got.ReceivedAt.Equal(want.ReceivedAt) {
		return ""
	}
	return fmt.Sprintf("got  %.400s\nwant %.400s", g, w)
}

func compare(t *testing.T, got, want []journal.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d records, want %d", len(got), len(want))
	}
	for i := range want {
		if diff := same(got[i], want[i]); diff != "" {
			t.Fatalf("record %d\n%s", want[i].Seq, diff)
		}
	}
}

func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}
