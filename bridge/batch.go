package bridge

import "fieldcast/track"

// The most that goes into one transaction. A single message may hold more; it
// is not torn apart, because the cursor cannot stand inside a record.
const (
	maxBatchRows    = 1000
	maxBatchRecords = 4096 // those of presence have no rows
)

// batch gathers outcomes for one transaction.
type batch struct {
	track.Batch
	records int
	rows    int
	moved   map[person]int // where in Positions the person is
}

func newBatch(after uint64) *batch {
	return &batch{Batch: track.Batch{After: after, Through: after}, moved: make(map[person]int)}
}

// add takes the next outcome, or reports that the batch is full.
func (b *batch) add(o *outcome) bool {
	if b.records == maxBatchRecords || (b.rows > 0 && b.rows+o.rows() > maxBatchRows) {
		return false
	}
	b.records++
	b.rows += o.rows()
	b.Through = o.record.Seq
	b.Fixes = append(b.Fixes, o.fixes...)
	b.Rejected = append(b.Rejected, o.rejected...)
	b.Reports = append(b.Reports, o.reports...)
	if o.position == nil {
		return true
	}
	who := person{o.record.Company, o.record.Employee}
	if i, ok := b.moved[who]; ok {
		b.Positions[i] = *o.position
	} else {
		b.moved[who] = len(b.Positions)
		b.Positions = append(b.Positions, *o.position)
	}
	return true
}
