package tail_test

import (
	"testing"

	"fieldcast/journal"
	"fieldcast/journal/internal/tail"
)

func records(from, through uint64, payload int) (rs []journal.Record) {
	for seq := from; seq <= through; seq++ {
		rs = append(rs, journal.Record{Seq: seq, Payload: make([]byte, payload)})
	}
	return rs
}

func TestTail(t *testing.T) {
	for _, test := range []struct {
		name        string
		do          func(*tail.Tail)
		first, last uint64 // 0: empty
	}{
		{"nothing", func(*tail.Tail) {}, 0, 0},
		{"all", func(t *tail.Tail) { t.Add(records(5, 9, 10)) }, 5, 9},
		{"at most ten", func(t *tail.Tail) { t.Add(records(1, 8, 10)); t.Add(records(9, 25, 10)) }, 16, 25},
		{"at most 10,000 bytes", func(t *tail.Tail) { t.Add(records(1, 8, 3000)) }, 6, 8},
		{"too large for it", func(t *tail.Tail) { t.Add(records(1, 1, 20_000)) }, 0, 0},
		{"cut", func(t *tail.Tail) { t.Add(records(1, 8, 10)); t.Cut(5); t.Cut(3) }, 5, 8},
		{"cut all", func(t *tail.Tail) { t.Add(records(1, 8, 10)); t.Cut(100) }, 0, 0},
		{"what is before a hole goes", func(t *tail.Tail) { t.Add(records(1, 5, 10)); t.Add(records(8, 9, 10)) }, 8, 9},
		{"nothing more is no hole", func(t *tail.Tail) { t.Add(records(1, 5, 10)); t.Add(nil) }, 1, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			tl := &tail.Tail{MaxRecords: 10, MaxBytes: 10_000}
			test.do(tl)
			first, ok := tl.First()
			if ok != (test.first > 0) || first != test.first {
				t.Fatalf("first is %d, %v; want %d", first, ok, test.first)
			}
			if !ok {
				return
			}
			rs := tl.From(test.first, 100)
			if n := len(rs); n != int(test.last-test.first+1) || rs[n-1].Seq != test.last {
				t.Errorf("%d records through %d, want through %d", n, rs[n-1].Seq, test.last)
			}
			if len(tl.From(test.first-1, 100)) != 0 || len(tl.From(test.last+1, 100)) != 0 || len(tl.From(test.first, 1)) != 1 {
				t.Error("it gives what it has not, or more than was asked for")
			}
		})
	}
}
