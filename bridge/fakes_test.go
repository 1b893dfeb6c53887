package bridge_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"fieldcast/journal"
	"fieldcast/track"
)

// memJournal is a journal in memory that keeps the contract of
// [journal.Journal] as far as a reader can tell.
type memJournal struct {
	mu      sync.Mutex
	records []journal.Record
	first   uint64 // of records, or the next to come
	closed  bool
	grown   chan struct{} // closed and replaced when something changes
	fail    func(seq uint64) error
	cuts    int
}

var _ journal.Journal = (*memJournal)(nil)

func newMemJournal() *memJournal { return &memJournal{first: 1, grown: make(chan struct{})} }

func (j *memJournal) changed() {
	close(j.grown)
	j.grown = make(chan struct{})
}

func (j *memJournal) Append(_ context.Context, r journal.Record) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return 0, journal.ErrClosed
	}
	r.Seq = j.first + uint64(len(j.records))
	if r.Size == 0 {
		r.Size = len(r.Payload)
	}
	j.records = append(j.records, r)
	j.changed()
	return r.Seq, nil
}

func (j *memJournal) Read(ctx context.Context, seq uint64, most int) ([]journal.Record, error) {
	for {
		j.mu.Lock()
		rs, wait, err := j.read(seq, most)
		j.mu.Unlock()
		if rs != nil || err != nil {
			return rs, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-wait:
		}
	}
}

func (j *memJournal) read(seq uint64, most int) ([]journal.Record, <-chan struct{}, error) {
	switch {
	case j.closed:
		return nil, nil, journal.ErrClosed
	case seq < j.first:
		return nil, nil, journal.ErrTruncated
	case j.fail != nil:
		if err := j.fail(seq); err != nil {
			return nil, nil, err
		}
	}
	from := int(seq - j.first)
	if from >= len(j.records) {
		return nil, j.grown, nil
	}
	return slices.Clone(j.records[from:min(from+most, len(j.records))]), nil, nil
}

func (j *memJournal) Truncate(seq uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cuts++
	for len(j.records) > 0 && j.first <= seq {
		j.records = j.records[1:]
		j.first++
	}
	return nil
}

func (j *memJournal) Skip(seq uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch next := j.first + uint64(len(j.records)); {
	case next > seq:
	case len(j.records) > 0:
		return journal.ErrCorrupt
	default:
		j.first = seq + 1
	}
	return nil
}

func (j *memJournal) Stats() journal.Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	return journal.Stats{First: j.first, Last: j.first + uint64(len(j.records)) - 1}
}

func (j *memJournal) Failed() <-chan struct{} { return nil }
func (j *memJournal) Err() error              { return nil }

func (j *memJournal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.closed {
		j.closed = true
		j.changed()
	}
	return nil
}

// memStore is the part of a database that a bridge sees, in memory. The rest
// of [track.Store] is nil and must not be called.
type memStore struct {
	track.Store

	mu        sync.Mutex
	cursor    uint64
	fixes     map[string]track.Fix // by person and digest
	positions map[string]track.Position
	rejected  []track.Rejection
	reports   []track.Report
	employees []track.Employee
	commits   []track.Batch
	attempts  int
	err       error                   // what every call returns
	before    func(track.Batch) error // called with each commit; an error refuses it
	answer    func(track.Batch) error // called when it is written; an error hides that
	refuse    func(track.Fix) bool
}

func newMemStore() *memStore {
	return &memStore{fixes: make(map[string]track.Fix), positions: make(map[string]track.Position)}
}

// set changes the store under its lock.
func (s *memStore) set(f func(s *memStore)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *memStore) Cursor(ctx context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor, s.broken(ctx)
}

func (s *memStore) broken(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.err
}

func (s *memStore) Positions(ctx context.Context, company string) ([]track.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.broken(ctx); err != nil {
		return nil, err
	}
	var ps []track.Position
	for _, key := range slices.Sorted(maps.Keys(s.positions)) {
		if p := s.positions[key]; company == "" || p.Company == company {
			ps = append(ps, p)
		}
	}
	return ps, nil
}

func (s *memStore) Employees(ctx context.Context, _ string) ([]track.Employee, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.employees), s.broken(ctx)
}

func (s *memStore) Commit(ctx context.Context, b track.Batch) (track.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts++
	if err := s.broken(ctx); err != nil {
		return track.Receipt{}, err
	}
	if s.before != nil {
		if err := s.before(b); err != nil {
			return track.Receipt{}, err
		}
	}
	if s.cursor != b.After {
		return track.Receipt{}, fmt.Errorf("cursor is %d: %w", s.cursor, track.ErrConflict)
	}
	r := s.write(b)
	if s.answer != nil {
		if err := s.answer(b); err != nil {
			return track.Receipt{}, err
		}
	}
	return r, nil
}

func (s *memStore) write(b track.Batch) track.Receipt {
	var r track.Receipt
	for _, f := range b.Fixes {
		if s.refuse != nil && s.refuse(f) {
			r.Refused = append(r.Refused, track.Rejection{
				Company: f.Company, Employee: f.Employee, Reason: track.ReasonStore, Seq: f.Seq, ReceivedAt: f.ReceivedAt,
			})
			continue
		}
		key := fmt.Sprintf("%s/%s/%d", f.Company, f.Employee, f.Scale().Digest())
		if _, there := s.fixes[key]; there {
			r.Duplicate++
			continue
		}
		s.fixes[key] = f
		r.Stored++
	}
	for _, p := range b.Positions {
		s.positions[p.Company+"/"+p.Employee] = p
	}
	s.rejected = append(append(s.rejected, b.Rejected...), r.Refused...)
	s.reports = append(s.reports, b.Reports...)
	s.cursor = b.Through
	s.commits = append(s.commits, b)
	return r
}

// content is all that the store holds, as text, for comparing.
func (s *memStore) content() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	fmt.Fprintln(&b, "cursor", s.cursor)
	for _, key := range slices.Sorted(maps.Keys(s.fixes)) {
		fmt.Fprintf(&b, "fix %s %+v\n", key, s.fixes[key])
	}
	for _, key := range slices.Sorted(maps.Keys(s.positions)) {
		fmt.Fprintf(&b, "position %s %+v\n", key, s.positions[key])
	}
	for _, r := range s.rejected {
		fmt.Fprintf(&b, "rejected %+v\n", r)
	}
	for _, r := range s.reports {
		fmt.Fprintf(&b, "report %+v\n", r)
	}
	return b.String()
}
