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

// learnNames keeps the names of people as the directory has them, until ctx
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

// rename brings names into the table, and tells of those that are new.
func (b *Bridge) rename(names map[string]map[string]string) {
	for id := range names {
		b.table.ensure(id)
	}
	for _, c := range b.table.all() {
		b.renameCompany(c, names[c.id])
	}
}

func (b *Bridge) renameCompany(c *company, names map[string]string) {
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

// namesByCompany sorts employees into names by company and id.
func namesByCompany(es []track.Employee) map[string]map[string]string {
	names := make(map[string]map[string]string)
	for i := range es {
		e := &es[i]
		if names[e.Company] == nil {
			names[e.Company] = make(map[string]string)
		}
		names[e.Company][e.ID] = e.Name
	}
	return names
}
