package broker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"fieldcast/journal"
	"fieldcast/track"
)

// presence notes in the journal which phones have come and gone. Nobody waits
// for it: changes queue up, and of several changes of one phone that wait, the
// newest counts.
type presence struct {
	journal Appender
	log     *slog.Logger
	metrics *metrics
	now     func() time.Time

	mu      sync.Mutex
	live    map[person]int // connections of each phone; more than one while one takes over
	waiting map[person]journal.Record
	order   []person
	stopped bool
	changed chan struct{} // holds one token when there is something to do
}

type person struct{ company, employee string }

func newPresence(j Appender, log *slog.Logger, m *metrics, now func() time.Time) *presence {
	return &presence{
		journal: j, log: log, metrics: m, now: now,
		live: map[person]int{}, waiting: map[person]journal.Record{}, changed: make(chan struct{}, 1),
	}
}

// came counts a connection of a phone.
func (p *presence) came(id track.Identity) { p.count(id, +1) }

// left uncounts it. A phone whose new connection has taken over the old one
// stays online throughout.
func (p *presence) left(id track.Identity) { p.count(id, -1) }

func (p *presence) count(id track.Identity, change int) {
	who := person{id.Company, id.Employee}
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.live[who]
	p.live[who] = before + change
	switch {
	case before == 0 && change > 0:
		p.enqueue(who, journal.Connected)
	case before+change == 0:
		delete(p.live, who)
		p.enqueue(who, journal.Disconnected)
	}
}

// enqueue notes a change. The caller holds mu.
func (p *presence) enqueue(who person, kind journal.Kind) {
	if _, there := p.waiting[who]; !there {
		p.order = append(p.order, who)
	}
	p.waiting[who] = journal.Record{Kind: kind, Company: who.company, Employee: who.employee, ReceivedAt: p.now().UTC()}
	p.poke()
}

func (p *presence) poke() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// stop lets run end when nothing waits any more.
func (p *presence) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.poke()
}

// presenceAtOnce is how many records are appended at the same time: they share
// an fsync, so that ten thousand phones that leave at once take no longer than
// forty. Of one phone there is never more than one.
const presenceAtOnce = 256

// run writes until stop, or until ctx ends. It begins with the record that
// says that the server has started: nobody of before is connected.
func (p *presence) run(ctx context.Context) {
	p.append(ctx, journal.Record{Kind: journal.Started, ReceivedAt: p.now().UTC()})
	for {
		records, stopped := p.next()
		var writing sync.WaitGroup
		for _, r := range records {
			writing.Go(func() { p.append(ctx, r) })
		}
		writing.Wait()
		switch {
		case len(records) > 0:
			continue
		case stopped:
			return
		}
		select {
		case <-p.changed:
		case <-ctx.Done():
			return
		}
	}
}

// next takes the oldest changes that wait.
func (p *presence) next() (records []journal.Record, stopped bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(len(p.order), presenceAtOnce)
	for _, who := range p.order[:n] {
		records = append(records, p.waiting[who])
		delete(p.waiting, who)
	}
	if p.order = p.order[n:]; len(p.order) == 0 {
		p.order = nil // the memory of a storm is given back
	}
	return records, p.stopped
}

// append writes one record. A journal that takes nothing has its own alarms;
// the phone's next change repairs what is missing.
func (p *presence) append(ctx context.Context, r journal.Record) {
	if _, err := p.journal.Append(ctx, r); err != nil {
		p.metrics.dropped.WithLabelValues("presence").Inc()
		p.log.Warn("presence could not be noted", "company", r.Company, "employee", r.Employee, "error", err)
	}
}
