// Package tail holds the newest records of a journal in memory, for readers
// that keep up.
package tail

import "fieldcast/journal"

// Tail holds the newest durable records, bounded by number and bytes. Its owner
// locks. The zero value holds nothing.
type Tail struct {
	MaxRecords, MaxBytes int

	records []journal.Record // oldest first, without a hole
	bytes   int
}

// recordOverhead is about what a record takes in memory beside its strings.
const recordOverhead = 200

func weight(r *journal.Record) int {
	return recordOverhead + len(r.Company) + len(r.Employee) + len(r.Topic) + len(r.Rejected) + len(r.Payload)
}

// Add takes records behind those that are here. Over a hole, what was here goes.
func (t *Tail) Add(rs []journal.Record) {
	if n := len(t.records); n > 0 && len(rs) > 0 && rs[0].Seq != t.records[n-1].Seq+1 {
		t.drop(n)
	}
	t.records = append(t.records, rs...)
	for i := range rs {
		t.bytes += weight(&rs[i])
	}
	n := 0
	for b := t.bytes; len(t.records)-n > t.MaxRecords || b > t.MaxBytes && n < len(t.records); n++ {
		b -= weight(&t.records[n])
	}
	t.drop(n)
}

// Cut drops the records before seq.
func (t *Tail) Cut(seq uint64) {
	if len(t.records) == 0 || t.records[0].Seq >= seq {
		return
	}
	t.drop(int(min(seq-t.records[0].Seq, uint64(len(t.records)))))
}

// First returns the oldest number that is here.
func (t *Tail) First() (seq uint64, ok bool) {
	if len(t.records) == 0 {
		return 0, false
	}
	return t.records[0].Seq, true
}

// drop lets go of the n oldest. The front of the slice is given back when
// append moves the rest, which costs each record one copy on average.
func (t *Tail) drop(n int) {
	for i := range t.records[:n] {
		t.bytes -= weight(&t.records[i])
	}
	clear(t.records[:n])
	t.records = t.records[n:]
}

// From returns copies of at most limit records from seq on; none if seq is not here.
func (t *Tail) From(seq uint64, limit int) []journal.Record {
	if len(t.records) == 0 || seq < t.records[0].Seq {
		return nil
	}
	i := seq - t.records[0].Seq
	if i >= uint64(len(t.records)) {
		return nil
	}
	rest := t.records[i:]
	return append([]journal.Record(nil), rest[:min(limit, len(rest))]...)
}
