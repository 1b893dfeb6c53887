package bridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"fieldcast/track"
)

const (
	// storePatience is how long a start waits for a database: those of a
	// machine that has just booted start together.
	storePatience = 30 * time.Second
	// progressEvery is how often a long replay says how far it is.
	progressEvery = 5 * time.Second
)

// baseline is what the database knows, as of one cursor.
type baseline struct {
	cursor    uint64
	positions []track.Position
	employees []track.Employee
}

// warm fills the table from the database and replays what the journal holds
// beyond it.
func (b *Bridge) warm(ctx context.Context) (*live, *committer, error) {
	base, err := b.patiently(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := b.journal.Skip(base.cursor); err != nil {
		return nil, nil, fmt.Errorf("the database has committed record %d of a journal that is not this one; "+
			"restore the journal that belongs to it, or move this one away to go on with an empty one: %w", base.cursor, err)
	}
	b.committed.Store(base.cursor)
	people := b.load(base)
	begin := b.begin(base.cursor)
	b.recent = newRecent(begin, b.recentBytes)
	l := &live{bridge: b, at: begin, judge: judge{limits: b.limits, decode: b.decode, people: people}}
	c := &committer{
		bridge: b, cursor: base.cursor, taken: begin,
		judge: judge{limits: b.limits, decode: b.decode, people: maps.Clone(people)},
	}
	if err := b.replay(ctx, l); err != nil {
		return nil, nil, err
	}
	for _, co := range b.table.all() {
		b.feed.Resume(co.id, co.latest())
	}
	return l, c, nil
}

// patiently reads the baseline and waits for a database that is away.
func (b *Bridge) patiently(ctx context.Context) (*baseline, error) {
	patience, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	var pause backoff
	for {
		base, err := b.baseline(patience)
		if err == nil || !errors.Is(err, track.ErrUnavailable) {
			return base, err
		}
		b.log.Warn("database is away; waiting for it", "error", err)
		if pause.wait(patience) != nil {
			return nil, err
		}
	}
}

// baseline reads the database. Cursor and positions are two calls, so it looks
// whether the one stood still during the other.
func (b *Bridge) baseline(ctx context.Context) (*baseline, error) {
	const attempts = 3
	for range attempts {
		before, err := b.store.Cursor(ctx)
		if err != nil {
			return nil, fmt.Errorf("read cursor: %w", err)
		}
		base := &baseline{cursor: before}
		if base.positions, err = b.store.Positions(ctx, ""); err != nil {
			return nil, fmt.Errorf("read positions: %w", err)
		}
		if base.employees, err = b.store.Employees(ctx, ""); err != nil {
			return nil, fmt.Errorf("read directory: %w", err)
		}
		after, err := b.store.Cursor(ctx)
		if err != nil {
			return nil, fmt.Errorf("read cursor: %w", err)
		}
		if after == before {
			return base, nil
		}
	}
	return nil, fmt.Errorf("another bridge writes to this database: %w", track.ErrConflict)
}

// load fills the table, and returns what judges start from.
func (b *Bridge) load(base *baseline) map[person]*track.Position {
	names := namesByCompany(base.employees)
	people := make(map[person]*track.Position, len(base.positions))
	shown := make([]*track.Position, 0, len(base.positions))
	now := b.now()
	for i := range base.positions {
		p := &base.positions[i]
		p.Changed = max(p.Changed, p.Seq)
		people[person{p.Company, p.Employee}] = p
		q := *p
		is := names[p.Company][p.Employee]
		q.Name, q.Team = is.name, is.team
		q.State = q.StateAt(now)
		shown = append(shown, &q)
	}
	b.table.load(shown)
	for id, of := range names {
		b.table.ensure(id).rename(of, now)
	}
	return people
}

// begin returns the record behind which the journal is followed: the cursor,
// unless the journal has been cut off beyond it.
func (b *Bridge) begin(cursor uint64) uint64 {
	st := b.journal.Stats()
	if st.First <= cursor+1 {
		return cursor
	}
	b.hole(cursor, st.First)
	return st.First - 1
}

// hole reports that the journal has no records between after and next.
func (b *Bridge) hole(after, next uint64) {
	missing := next - after - 1
	b.metrics.skipped.Add(float64(missing))
	b.log.Warn("the journal starts later than the database ends; going on from its first record",
		"cursor", after, "first", next, "missing", missing)
}

// replay follows the journal to its present end, without telling anybody.
func (b *Bridge) replay(ctx context.Context, l *live) error {
	last := b.journal.Stats().Last
	if l.at >= last {
		return nil
	}
	b.log.Info("replaying the journal", "from", l.at+1, "through", last)
	told := time.Now()
	for l.at < last {
		records, err := b.read(ctx, l.at, readAtOnce)
		if err != nil {
			return fmt.Errorf("replay journal: %w", err)
		}
		for _, r := range records {
			l.follow(r, false)
		}
		if time.Since(told) > progressEvery {
			told = time.Now()
			b.log.Info("replaying the journal", "at", l.at, "through", last)
		}
	}
	return nil
}
