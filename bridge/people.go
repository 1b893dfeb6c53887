package bridge

import (
	"slices"
	"time"

	"fieldcast/track"
)

// Positions returns the people of a company who have a position, by employee
// id, with their state at present.
func (b *Bridge) Positions(company string) []track.Position {
	c := b.table.company(company)
	if c == nil {
		return nil
	}
	now, known := b.now(), c.snapshot()
	ps := make([]track.Position, 0, len(known))
	for _, p := range known {
		if !p.RecordedAt.IsZero() {
			ps = append(ps, present(p, now))
		}
	}
	return ps
}

// Position returns one person's position; ok is false if there is none yet.
func (b *Bridge) Position(company, employee string) (p track.Position, ok bool) {
	c := b.table.company(company)
	if c == nil {
		return track.Position{}, false
	}
	c.mu.RLock()
	e := c.people[employee]
	var known *track.Position
	if e != nil {
		known = e.position
	}
	c.mu.RUnlock()
	if known == nil || known.RecordedAt.IsZero() {
		return track.Position{}, false
	}
	return present(known, b.now()), true
}

// Presence returns, by employee id, whether the phones are connected. People of
// whom that is not known are left out.
func (b *Bridge) Presence(company string) map[string]track.Presence {
	c := b.table.company(company)
	if c == nil {
		return map[string]track.Presence{}
	}
	known := c.snapshot()
	presence := make(map[string]track.Presence, len(known))
	for _, p := range known {
		if p.Presence != "" {
			presence[p.Employee] = presenceOf(p)
		}
	}
	return presence
}

// After returns the people with a position of whom something has changed after
// seq, oldest change first, and the seq that a caller who takes them in stands
// at. Like [Bridge.Positions] it leaves out people who have connected but never
// sent a fix, because they have no place; [Bridge.Presence] knows them.
//
// Ok is false if seq has not been yet: it was given by a server that knew more,
// and the caller should take everything anew.
func (b *Bridge) After(company string, seq uint64) (changed []track.Position, now uint64, ok bool) {
	c := b.table.company(company)
	if c == nil {
		return nil, 0, seq == 0
	}
	known, latest := c.after(seq)
	if seq > latest {
		return nil, latest, false
	}
	moment := b.now()
	changed = make([]track.Position, 0, len(known))
	for _, p := range slices.Backward(known) {
		if !p.RecordedAt.IsZero() {
			changed = append(changed, present(p, moment))
		}
	}
	return changed, latest, true
}

// Seq returns the seq of a company's latest change: of a position or presence.
func (b *Bridge) Seq(company string) uint64 {
	c := b.table.company(company)
	if c == nil {
		return 0
	}
	return c.latest()
}

// present returns a copy of p with the state at a moment.
func present(p *track.Position, now time.Time) track.Position {
	q := *p
	q.State = q.StateAt(now)
	return q
}

func presenceOf(p *track.Position) track.Presence {
	return track.Presence{State: p.Presence, Since: p.PresenceSince.Value}
}
