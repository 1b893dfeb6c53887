package bridge

import (
	"context"
	"errors"
	"fmt"

	"fieldcast/feed"
	"fieldcast/journal"
	"fieldcast/track"
)

// readAtOnce is the most records of one read of the journal.
const readAtOnce = 512

// live follows the journal at its end. It waits for the journal only.
type live struct {
	bridge *Bridge
	judge  judge
	at     uint64 // the last record dealt with
}

// run follows until ctx ends or the bridge is told to stop.
func (l *live) run(ctx context.Context) error {
	var pause backoff
	for l.at < l.bridge.stopAt.Load() {
		records, err := l.bridge.read(ctx, l.at, readAtOnce)
		if err != nil {
			if err := l.bridge.readFailed(ctx, "live", err, &pause); err != nil {
				return err
			}
			continue
		}
		l.bridge.readWorks("live", &pause)
		for _, r := range records {
			l.follow(r, true)
		}
	}
	return nil
}

// follow takes in the next record. Told is false during a replay: those who
// watch come later.
func (l *live) follow(r journal.Record, told bool) {
	if r.Seq != l.at+1 {
		l.bridge.hole(l.at, r.Seq)
	}
	o := l.judge.apply(l.at, r)
	l.at = r.Seq
	l.bridge.show(o, told)
	l.bridge.recent.push(o)
}

// show brings the table up to the outcome and, if told, the feed.
func (b *Bridge) show(o *outcome, told bool) {
	b.publishMu.Lock()
	defer b.publishMu.Unlock()
	if told {
		b.metrics.outcome(o)
	}
	publish := b.feed.Publish
	if !told {
		publish = func(feed.Event) {}
	}
	r := &o.record
	if o.crash != "" {
		b.log.Error("the decoder crashed; the message was kept as rejected", "seq", r.Seq, "company", r.Company, "cause", o.crash)
	}
	switch {
	case o.stray:
		b.log.Error("a record of the journal names nobody; it cannot be kept", "seq", r.Seq)
	case r.Kind == journal.Message:
		b.showMessage(o, publish)
	case r.Kind == journal.Connected:
		b.showPresence(r, track.Online, publish)
	case r.Kind == journal.Disconnected:
		b.showPresence(r, track.Offline, publish)
	case r.Kind == journal.Started:
		b.showStarted(r, publish)
	default:
		b.log.Error("a record of the journal is of a kind that this version does not know", "seq", r.Seq, "kind", r.Kind)
	}
}

func (b *Bridge) showMessage(o *outcome, publish func(feed.Event)) {
	r := &o.record
	now := b.now()
	if o.position != nil {
		p := b.table.ensure(r.Company).move(o.position, now)
		publish(feed.Event{Company: r.Company, Employee: r.Employee, Seq: r.Seq, At: now, Position: p})
	}
	for i := range o.rejected {
		publish(feed.Event{Company: r.Company, Employee: r.Employee, Seq: r.Seq, At: now, Rejection: &o.rejected[i]})
	}
	if o.position != nil {
		b.metrics.feedTime.Observe(max(0, b.now().Sub(r.ReceivedAt).Seconds()))
	}
}

func (b *Bridge) showPresence(r *journal.Record, state track.PresenceState, publish func(feed.Event)) {
	now := b.now()
	p := b.table.ensure(r.Company).connect(r.Employee, state, r.ReceivedAt, r.Seq, now)
	if p == nil {
		return
	}
	presence := presenceOf(p)
	publish(feed.Event{Company: r.Company, Employee: r.Employee, Seq: r.Seq, At: now, Presence: &presence, Person: p})
}

// showStarted: no session of before is left. Of most people nothing was known
// before, since presence is not in the database: for them the change is in the
// next frame, but no event of its own, which would be one for every person at
// every start.
func (b *Bridge) showStarted(r *journal.Record, publish func(feed.Event)) {
	now := b.now()
	for _, c := range b.table.all() {
		changed, before := c.disconnectAll(r.ReceivedAt, r.Seq, now)
		for i, p := range changed {
			presence := presenceOf(p)
			publish(feed.Event{
				Company: c.id, Employee: p.Employee, Seq: r.Seq, At: now,
				Presence: &presence, Person: p, Quiet: before[i] == "",
			})
		}
	}
}

// read returns the next records after a place in the journal. Where the journal
// has been cut off there, it goes on with its first record.
func (b *Bridge) read(ctx context.Context, after uint64, most int) ([]journal.Record, error) {
	records, err := b.journal.Read(ctx, after+1, most)
	if errors.Is(err, journal.ErrTruncated) {
		if first := b.journal.Stats().First; first > after+1 {
			records, err = b.journal.Read(ctx, first, most)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read journal from record %d: %w", after+1, err)
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("read journal from record %d: it gave none: %w", after+1, journal.ErrCorrupt)
	}
	for _, r := range records {
		if r.Seq <= after {
			return nil, fmt.Errorf("read journal: record %d follows %d: %w", r.Seq, after, journal.ErrCorrupt)
		}
		after = r.Seq
	}
	return records, nil
}

// readFailed waits before the next attempt, or returns an error if there is no
// use in one, or if ctx has ended.
func (b *Bridge) readFailed(ctx context.Context, who string, err error, pause *backoff) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, journal.ErrCorrupt), errors.Is(err, journal.ErrClosed), errors.Is(err, journal.ErrTruncated):
		return err
	}
	b.trouble("journal "+who, err)
	b.log.Error("journal cannot be read; trying again", "follower", who, "error", err)
	return pause.wait(ctx)
}

func (b *Bridge) readWorks(who string, pause *backoff) {
	if pause.next != 0 {
		pause.reset()
		b.trouble("journal "+who, nil)
	}
}
