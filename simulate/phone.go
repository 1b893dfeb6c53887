package simulate

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"

	"fieldcast/track"
)

// maxRetry bounds the wait between two attempts to connect.
const maxRetry = 30 * time.Second

func (p Phone) topic() string { return track.Topic{Company: p.Company, Employee: p.Employee}.String() }

// phone plays one phone: one goroutine measures, one delivers.
type phone struct {
	Phone
	o      *Options
	stats  *stats
	number int
	random *rand.Rand // of the delivering goroutine
	queue  *queue
	cover  *coverage
	asked  chan struct{} // receives when the server asks where the phone is

	senders sync.WaitGroup // publishes that may hang on a dead connection
}

func newPhone(o *Options, s *stats, number int) *phone {
	return &phone{
		Phone: o.Phones[number], o: o, stats: s, number: number,
		random: rand.New(rand.NewPCG(uint64(o.Seed), uint64(number)<<32|1)),
		queue:  newQueue(), cover: newCoverage(), asked: make(chan struct{}, 1),
	}
}

// run plays until ctx ends, or a recorded track has been delivered.
func (p *phone) run(ctx context.Context) {
	var measuring sync.WaitGroup
	measuring.Go(func() {
		defer p.queue.close()
		if p.Track != nil {
			p.replay(ctx)
		} else {
			p.walk(ctx)
		}
	})
	p.deliver(ctx)
	measuring.Wait()
	p.senders.Wait()
	p.stats.pending.Add(int64(p.queue.waiting(0)))
}

// measured puts a fix into the queue.
func (p *phone) measured(f track.Fix) {
	if p.queue.add(f) {
		p.stats.dropped.Add(1)
	}
}

// deliver connects, whenever there is coverage, and sends what is queued.
func (p *phone) deliver(ctx context.Context) {
	for failures := 0; ; {
		spell, err := p.cover.wait(ctx)
		if err != nil || p.queue.done() {
			return
		}
		acked, err := p.session(ctx, spell)
		switch {
		case ctx.Err() != nil || err == nil:
			return
		case spell.Err() != nil:
			continue
		}
		if acked {
			failures = 0
		}
		failures++
		p.stats.failed(ctx, p.o.Logger, p.Phone, err)
		pause(spell, jittered(p.o.Retry, failures, p.random))
	}
}

// jittered returns the wait after a number of failures in a row: doubling, at
// most maxRetry, and spread, so that phones do not come back all at once.
func jittered(first time.Duration, failures int, random *rand.Rand) time.Duration {
	d := first
	for i := 1; i < failures && d < maxRetry; i++ {
		d *= 2
	}
	d = min(d, maxRetry)
	return d/2 + time.Duration(random.Int64N(int64(d)+1))
}

// pause waits for d or the end of ctx, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// session is one connection. It returns nil when everything is delivered and
// nothing more will come, else why the connection ended. Acked tells whether
// anything was acknowledged.
func (p *phone) session(ctx, spell context.Context) (acked bool, err error) {
	l, err := dial(spell, p.o.Broker, p.Phone, p.command, &p.senders)
	if err != nil {
		return false, err
	}
	p.stats.connected(1)
	defer p.stats.connected(-1)
	d := delivery{phone: p, link: l, deadline: time.NewTimer(ackTimeout)}
	defer d.deadline.Stop()
	err = d.run(spell)
	if ctx.Err() != nil || err == nil {
		l.disconnect()
	} else {
		l.abandon()
	}
	return d.acked, err
}

// command obeys the one command that a phone of OwnTracks always obeys.
func (p *phone) command(body []byte) {
	var c struct {
		Type   string `json:"_type"`
		Action string `json:"action"`
	}
	if json.Unmarshal(body, &c) != nil || c.Type != "cmd" || c.Action != "reportLocation" {
		return
	}
	select {
	case p.asked <- struct{}{}:
	default: // asked already
	}
}
