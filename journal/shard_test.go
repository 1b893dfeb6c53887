package journal_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"fieldcast/journal"
)

// Which shard a company is in is written down in the numbers of its records:
// it must never change.
func TestShardOf(t *testing.T) {
	for company, want := range map[string][2]int{"acme": {1, 15}, "globex": {0, 14}, "demo": {0, 6}, "a": {0, 12}, "": {1, 5}} {
		if got := [2]int{journal.ShardOf(company, 2), journal.ShardOf(company, 16)}; got != want {
			t.Errorf("%q: shards %v of 2 and 16, want %v", company, got, want)
		}
	}
	counts := make([]int, 8)
	for i := range 8000 {
		counts[journal.ShardOf(fmt.Sprintf("company-%d", i), len(counts))]++
	}
	for shard, n := range counts {
		if n < 800 || n > 1200 {
			t.Errorf("shard %d of 8 has %d of 8000 companies", shard, n)
		}
	}
}

// noted is a journal that only takes records.
type noted struct {
	journal.Journal
	records []journal.Record
	err     error
}

func (n *noted) Append(_ context.Context, r journal.Record) (uint64, error) {
	n.records = append(n.records, r)
	return uint64(len(n.records)), n.err
}

func TestShardsAppend(t *testing.T) {
	a, b := &noted{}, &noted{}
	shards := journal.Shards{a, b}
	for i := range 100 {
		company := fmt.Sprintf("company-%d", i%10)
		in := []*noted{a, b}[journal.ShardOf(company, 2)]
		seq, err := shards.Append(t.Context(), journal.Record{Kind: journal.Message, Company: company, Size: i})
		if last := in.records[len(in.records)-1]; err != nil || seq != uint64(len(in.records)) || last.Company != company || last.Size != i {
			t.Fatalf("record %d of %s: number %d, error %v; its shard ends with %+v", i, company, seq, err, last)
		}
	}
	if len(a.records) == 0 || len(b.records) == 0 {
		t.Error("one shard has everything")
	}
	if _, err := shards.Append(t.Context(), journal.Record{Kind: journal.Started}); err != nil {
		t.Error(err)
	}
	for i, n := range []*noted{a, b} {
		if n.records[len(n.records)-1].Kind != journal.Started {
			t.Errorf("shard %d does not know that the server has started", i)
		}
	}
	b.err = journal.ErrFull
	if _, err := shards.Append(t.Context(), journal.Record{Kind: journal.Started}); !errors.Is(err, journal.ErrFull) {
		t.Errorf("one shard is full: %v", err)
	}
	if _, err := (journal.Shards{}).Append(t.Context(), journal.Record{Company: "acme"}); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("no shards: %v", err)
	}
}
