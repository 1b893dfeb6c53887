package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fieldcast/feed"
	"fieldcast/journal"
	"fieldcast/payload"
	"fieldcast/track"
)

// Options set up a [Bridge]. Journal, Store and Feed are needed.
type Options struct {
	Journal journal.Journal
	Store   track.Store
	Feed    *feed.Hub
	Limits  track.Limits // [track.DefaultLimits] if zero

	// Decode reads what a phone published; [payload.Decode] if nil.
	Decode     func(leaf string, body []byte) payload.Message
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
	Now        func() time.Time      // the clock that states are told by; time.Now if nil
}

// Bridge joins the journal to the database and the feed. Make one with [New];
// whoever started it closes it. All methods are safe for concurrent use; those
// that tell where people are read memory only.
type Bridge struct {
	journal journal.Journal
	store   track.Store
	feed    *feed.Hub
	limits  track.Limits
	decode  func(leaf string, body []byte) payload.Message
	log     *slog.Logger
	now     func() time.Time
	metrics *metrics

	table       *table
	recent      *recent // what the live follower has made of the newest records
	recentBytes int

	// publishMu keeps a change of the table and its event together, so that
	// events leave in the order in which the table changed.
	publishMu sync.Mutex

	committed atomic.Uint64 // the cursor in the database
	stopAt    atomic.Uint64 // where the live follower ends, when closing; else noStop

	lifeMu   sync.Mutex    // one Start or Close at a time; guards what Start sets for Close
	followed chan struct{} // closed when the live follower has ended
	drained  chan struct{} // closed when the committing follower has ended
	stopLive context.CancelFunc
	stopAll  context.CancelFunc
	running  sync.WaitGroup

	statusMu sync.Mutex // held for moments only
	life     lifecycle
	fatal    error            // why the bridge cannot go on
	troubles map[string]error // what fails at present, by who
	failed   chan struct{}    // closed with the first fatal
}

type lifecycle int

const (
	unstarted lifecycle = iota
	started
	closed
)

// noStop is the value of stopAt while nobody wants to stop.
const noStop = ^uint64(0)

var (
	errUnstarted = errors.New("bridge is not started")
	errClosed    = errors.New("bridge is closed")
)

// New makes a bridge. It does no I/O and starts nothing; [Bridge.Start] does.
func New(o Options) (*Bridge, error) {
	if o.Journal == nil || o.Store == nil || o.Feed == nil {
		return nil, errors.New("bridge: journal, store and feed are needed")
	}
	if o.Limits == (track.Limits{}) {
		o.Limits = track.DefaultLimits()
	}
	if o.Decode == nil {
		o.Decode = payload.Decode
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	b := &Bridge{
		journal:     o.Journal,
		store:       o.Store,
		feed:        o.Feed,
		limits:      o.Limits,
		decode:      o.Decode,
		log:         o.Logger,
		now:         func() time.Time { return o.Now().UTC() },
		table:       newTable(),
		recentBytes: maxRecentBytes,
		followed:    make(chan struct{}),
		drained:     make(chan struct{}),
		troubles:    make(map[string]error),
		failed:      make(chan struct{}),
	}
	b.stopAt.Store(noStop)
	var err error
	if b.metrics, err = newMetrics(o.Registerer, b.lag); err != nil {
		return nil, fmt.Errorf("bridge: %w", err)
	}
	return b, nil
}

// lag is how many records wait in the journal for the database.
func (b *Bridge) lag() float64 {
	last, done := b.journal.Stats().Last, b.committed.Load()
	return float64(last - min(last, done))
}

// Start warms the table of last-known positions from the database and from
// what is in the journal beyond it, then follows the journal until
// [Bridge.Close]. It waits for a database that is away, for half a minute at
// most. The end of ctx ends the start, not what was started.
func (b *Bridge) Start(ctx context.Context) error {
	b.lifeMu.Lock()
	defer b.lifeMu.Unlock()
	switch b.state() {
	case started:
		return errors.New("bridge is started already")
	case closed:
		return errClosed
	case unstarted:
	}
	live, commit, err := b.warm(ctx)
	if err != nil {
		return fmt.Errorf("start bridge: %w", err)
	}
	all, stopAll := context.WithCancel(context.WithoutCancel(ctx))
	follow, stopLive := context.WithCancel(all)
	b.stopAll, b.stopLive = stopAll, stopLive
	b.running.Go(func() {
		defer close(b.followed)
		b.end(follow, live.run(follow))
	})
	b.running.Go(func() {
		defer close(b.drained)
		b.end(all, commit.run(all))
	})
	b.running.Go(func() { b.learnNames(all) })
	b.enter(started)
	return nil
}

func (b *Bridge) state() lifecycle {
	b.statusMu.Lock()
	defer b.statusMu.Unlock()
	return b.life
}

// enter changes the state and returns the one before.
func (b *Bridge) enter(next lifecycle) (before lifecycle) {
	b.statusMu.Lock()
	defer b.statusMu.Unlock()
	before, b.life = b.life, next
	return before
}

// Close follows the journal to its present end and commits it, as far as ctx
// allows, then stops everything and waits for it. What could not be committed
// stays in the journal, and the next start goes on with it; that is logged, and
// no error. Nothing may be appended to the journal any more. Close may be
// called more than once.
func (b *Bridge) Close(ctx context.Context) error {
	b.lifeMu.Lock()
	defer b.lifeMu.Unlock()
	if b.enter(closed) != started {
		return nil
	}
	target := b.journal.Stats().Last
	b.stopAt.Store(target)
	if b.recent.head() >= target {
		b.stopLive() // it waits for records that will not come
	}
	wait(ctx, b.followed)
	b.stopLive()
	<-b.followed
	b.recent.end()
	wait(ctx, b.drained)
	b.stopAll()
	b.running.Wait()
	if done := b.committed.Load(); done < target {
		b.log.Warn("stopped before everything was committed; the journal keeps the rest for the next start",
			"records", target-done, "cursor", done)
	}
	b.statusMu.Lock()
	defer b.statusMu.Unlock()
	return b.fatal
}

// wait returns when done is closed or ctx has ended.
func wait(ctx context.Context, done <-chan struct{}) {
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Status returns nil if the bridge follows the journal and the database takes
// what it writes; otherwise an error that says what is wrong. While the
// database is away the positions are live all the same.
func (b *Bridge) Status() error {
	b.statusMu.Lock()
	life, fatal, troubles := b.life, b.fatal, slices.Collect(maps.Values(b.troubles))
	b.statusMu.Unlock()
	switch {
	case fatal != nil:
		return fatal
	case life == unstarted:
		return errUnstarted
	case life == closed:
		return errClosed
	case len(troubles) > 0:
		return fmt.Errorf("%d records wait in the journal: %w", int(b.lag()), errors.Join(troubles...))
	}
	return nil
}

// Failed is closed when the bridge cannot go on: another bridge writes to the
// same database, or the journal cannot be read. [Bridge.Status] says why. The
// process should end.
func (b *Bridge) Failed() <-chan struct{} { return b.failed }

// end takes the error that a follower ended with.
func (b *Bridge) end(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	b.log.Error("bridge cannot go on", "error", err)
	b.statusMu.Lock()
	defer b.statusMu.Unlock()
	if b.fatal == nil {
		b.fatal = err
		close(b.failed)
	}
}

// trouble records what fails at present for one part of the bridge; nil when
// it works again.
func (b *Bridge) trouble(part string, err error) {
	b.statusMu.Lock()
	defer b.statusMu.Unlock()
	if err == nil {
		delete(b.troubles, part)
	} else {
		b.troubles[part] = err
	}
}
