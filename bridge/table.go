package bridge

import (
	"slices"
	"strings"
	"sync"
	"time"

	"fieldcast/track"
)

// table holds what is known of each person now. Readers hold a lock only while
// they copy pointers: the positions themselves never change, they are replaced.
type table struct {
	mu        sync.RWMutex
	companies map[string]*company
}

// company is the part of one tenant.
type company struct {
	id string

	mu     sync.RWMutex
	seq    uint64 // of the latest change
	people map[string]*entry
	byID   []*entry
	newest *entry // the list of all entries, latest change first
	names  labels // from the directory; replaced as a whole
}

// entry is a person who has reported or connected.
type entry struct {
	position     *track.Position // never changed; RecordedAt is zero until the first fix
	newer, older *entry
}

func newTable() *table { return &table{companies: make(map[string]*company)} }

// company returns the company, or nil if nothing is known of it.
func (t *table) company(id string) *company {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.companies[id]
}

// ensure returns the company and makes it if needed.
func (t *table) ensure(id string) *company {
	if c := t.company(id); c != nil {
		return c
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.companies[id]
	if c == nil {
		c = &company{id: id, people: make(map[string]*entry)}
		t.companies[id] = c
	}
	return c
}

// all returns the companies, in no order.
func (t *table) all() []*company {
	t.mu.RLock()
	defer t.mu.RUnlock()
	cs := make([]*company, 0, len(t.companies))
	for _, c := range t.companies {
		cs = append(cs, c)
	}
	return cs
}

// load puts in the positions of the database.
func (t *table) load(ps []*track.Position) {
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(a, b *track.Position) int {
		switch {
		case a.Changed < b.Changed:
			return -1
		case a.Changed > b.Changed:
			return 1
		}
		return strings.Compare(a.Employee, b.Employee)
	})
	for _, p := range sorted {
		c := t.ensure(p.Company)
		c.mu.Lock()
		e := &entry{position: p}
		c.people[p.Employee] = e
		c.byID = append(c.byID, e)
		c.toFront(e)
		c.seq = p.Changed
		c.mu.Unlock()
	}
	for _, c := range t.all() {
		c.mu.Lock()
		slices.SortFunc(c.byID, func(a, b *entry) int { return strings.Compare(a.position.Employee, b.position.Employee) })
		c.mu.Unlock()
	}
}

// move puts in a new last-known position and returns it with all that is known
// of the person.
func (c *company) move(p *track.Position, now time.Time) *track.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entry(p.Employee)
	next := *p
	next.Name, next.Team = e.position.Name, e.position.Team
	next.Presence, next.PresenceSince = e.position.Presence, e.position.PresenceSince
	return c.replace(e, &next, p.Seq, now)
}

// connect notes that a phone has come or gone. It returns nil if that was
// known.
func (c *company) connect(employee string, state track.PresenceState, at time.Time, seq uint64, now time.Time) *track.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entry(employee)
	if e.position.Presence == state {
		return nil
	}
	next := *e.position
	next.Presence, next.PresenceSince = state, track.Some(at)
	return c.replace(e, &next, seq, now)
}

// disconnectAll notes that no phone is connected. It returns those of whom
// something else was known, or nothing, with what was known before.
func (c *company) disconnectAll(at time.Time, seq uint64, now time.Time) (changed []*track.Position, before []track.PresenceState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.byID {
		if e.position.Presence == track.Offline {
			continue
		}
		before = append(before, e.position.Presence)
		next := *e.position
		next.Presence, next.PresenceSince = track.Offline, track.Some(at)
		changed = append(changed, c.replace(e, &next, seq, now))
	}
	return changed, before
}

// rename takes the names and teams of the directory and returns the people in the
// table whose name or team is another now. The journal knows nothing of names, so there is no
// sequence number for it: they count as changed by the latest change of all.
func (c *company) rename(names labels, now time.Time) []*track.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names = names
	var changed []*track.Position
	for _, e := range c.byID {
		if is := names[e.position.Employee]; is != (nameTeam{e.position.Name, e.position.Team}) {
			next := *e.position
			next.Name, next.Team = is.name, is.team
			changed = append(changed, c.replace(e, &next, c.seq, now))
		}
	}
	return changed
}

// entry returns the person's entry and makes it if needed; c.mu is held.
func (c *company) entry(employee string) *entry {
	if e := c.people[employee]; e != nil {
		return e
	}
	e := &entry{position: &track.Position{
		Fix:  track.Fix{Company: c.id, Employee: employee},
		Name: c.names[employee].name, Team: c.names[employee].team,
	}}
	c.people[employee] = e
	at, _ := slices.BinarySearchFunc(c.byID, employee, func(e *entry, id string) int {
		return strings.Compare(e.position.Employee, id)
	})
	c.byID = slices.Insert(c.byID, at, e)
	c.toFront(e)
	return e
}

// replace puts next in the place of the entry's position; c.mu is held.
func (c *company) replace(e *entry, next *track.Position, seq uint64, now time.Time) *track.Position {
	next.Changed = seq
	next.State = next.StateAt(now)
	e.position = next
	c.seq = max(c.seq, seq)
	c.toFront(e)
	return next
}

// toFront makes e the first of the list by change; c.mu is held.
func (c *company) toFront(e *entry) {
	if c.newest == e {
		return
	}
	if e.newer != nil {
		e.newer.older = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	}
	e.newer, e.older = nil, c.newest
	if c.newest != nil {
		c.newest.newer = e
	}
	c.newest = e
}

// latest returns the seq of the latest change.
func (c *company) latest() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.seq
}

// snapshot returns everybody, by id.
func (c *company) snapshot() []*track.Position {
	c.mu.RLock()
	defer c.mu.RUnlock()
	ps := make([]*track.Position, len(c.byID))
	for i, e := range c.byID {
		ps[i] = e.position
	}
	return ps
}

// after returns whoever has changed after seq, latest change first, and the
// seq of the latest change.
func (c *company) after(seq uint64) ([]*track.Position, uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var ps []*track.Position
	for e := c.newest; e != nil && e.position.Changed > seq; e = e.older {
		ps = append(ps, e.position)
	}
	return ps, c.seq
}
