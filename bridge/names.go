package bridge

import (
	"context"
	"time"

	"fieldcast/feed"
	"fieldcast/track"
)

const (
	// learnEvery is how often the directory is read, so that a new name shows
	// up while the one who typed it still looks.
	learnEvery = 2 * time.Second
	// learnShare keeps a large directory from costing more than a fiftieth of a
	// core: it is read less often then.
	learnShare = 50
)

// learnNames keeps the names and teams of people as the directory has them, until ctx
// ends. While the database is away the known ones stay.
func (b *Bridge) learnNames(ctx context.Context) {
	timer := time.NewTimer(learnEvery)
	defer timer.Stop()
	away := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		begun := time.Now()
		employees, err := b.store.Employees(ctx, "")
		switch {
		case err == nil:
			away = false
			b.rename(namesByCompany(employees))
		case ctx.Err() == nil && !away:
			away = true // once; the committing follower tells of every attempt
			b.log.Warn("directory cannot be read; names stay as they are", "error", err)
		}
		timer.Reset(max(learnEvery, learnShare*time.Since(begun)))
	}
}

// rename brings names and teams into the table, and tells of those that are new.
func (b *Bridge) rename(names map[string]labels) {
	for id := range names {
		b.table.ensure(id)
	}
	for _, c := range b.table.all() {
		b.renameCompany(c, names[c.id])
	}
}

func (b *Bridge) renameCompany(c *company, names labels) {
	b.publishMu.Lock()
	defer b.publishMu.Unlock()
	now := b.now()
	for _, p := range c.rename(names, now) {
		e := feed.Event{Company: c.id, Employee: p.Employee, Seq: p.Changed, At: now}
		if p.RecordedAt.IsZero() {
			e.Person, e.Quiet = p, true
		} else {
			e.Position = p
		}
		b.feed.Publish(e)
	}
}

// nameTeam is what the directory says of a person, who has no place in the journal
// for it.
type nameTeam struct{ name, team string }

// labels are those of a company's people, by id.
type labels map[string]nameTeam

// namesByCompany sorts employees into names and teams by company and id.
func namesByCompany(es []track.Employee) map[string]labels {
	names := make(map[string]labels)
	for i := range es {
		e := &es[i]
		if names[e.Company] == nil {
			names[e.Company] = make(labels)
		}
		names[e.Company][e.ID] = nameTeam{e.Name, e.Team}
	}
	return names
}
