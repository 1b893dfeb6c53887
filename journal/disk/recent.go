package disk

import "fieldcast/journal"

// recent holds the newest durable records in memory, bounded by number and
// bytes. Its owner locks.
type recent struct {
	maxRecords, maxBytes int
	records              []journal.Record // oldest first, without a hole
	bytes                int
}

// recordOverhead is about what a record takes in memory beside its strings.
const recordOverhead = 200

func weight(r *journal.Record) int {
	return recordOverhead + len(r.Company) + len(r.Employee) + len(r.Topic) + len(r.Rejected) + len(r.Payload)
}

func (t *recent) add(rs []journal.Record) {
	t.records = append(t.records, rs...)
	for i := range rs {
		t.bytes += weight(&rs[i])
	}
	n := 0
	for b := t.bytes; len(t.records)-n > t.maxRecords || b > t.maxBytes && n < len(t.records); n++ {
		b -= weight(&t.records[n])
	}
	t.drop(n)
}

// cut drops the records before seq.
func (t *recent) cut(seq uint64) {
	if len(t.records) == 0 || t.records[0].Seq >= seq {
		return
	}
	t.drop(int(min(seq-t.records[0].Seq, uint64(len(t.records)))))
}

// drop lets go of the n oldest. The front of the slice is given back when
// append moves the rest, which costs each record one copy on average.
func (t *recent) drop(n int) {
	for i := range t.records[:n] {
		t.bytes -= weight(&t.records[i])
	}
	clear(t.records[:n])
	t.records = t.records[n:]
}

// from returns copies of at most limit records from seq on; none if seq is not here.
func (t *recent) from(seq uint64, limit int) []journal.Record {
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
