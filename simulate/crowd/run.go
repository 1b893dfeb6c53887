package crowd

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// run is what the phones of a run share.
type run struct {
	o     Options
	dials chan struct{} // one place for each phone that connects now

	padding string // of every payload

	missing  atomic.Int64  // phones that were never connected yet
	allThere chan struct{} // closed when none is missing

	eager            atomic.Bool // an acknowledgement calls for the next fix
	connected        atomic.Int64
	published, acked atomic.Int64
}

// publishers is how many goroutines make fixes, so that one socket that does
// not take any more holds up only a part of the crowd.
const publishers = 16

// Run lets the phones connect, publish for o.Duration, wait until everything is
// acknowledged (at most o.DrainWait), and disconnect. Lost and refused
// connections are counted, not errors: see [Ledger.String]. When ctx ends, the
// phones disconnect at once; that is an error, beside the ledger so far, unless
// o.Duration is 0 and there is no o.Stop.
func Run(ctx context.Context, o Options) (*Ledger, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("crowd: %w", err)
	}
	r := &run{o: o, dials: make(chan struct{}, o.Dials), padding: strings.Repeat("x", o.Padding), allThere: make(chan struct{})}
	r.missing.Store(int64(len(o.Phones)))
	phones := make([]*phone, len(o.Phones))
	for i, p := range o.Phones {
		phones[i] = newPhone(r, p)
	}

	online, goOffline := context.WithCancel(ctx)
	var group sync.WaitGroup
	for _, p := range phones {
		group.Go(func() { p.live(online) })
	}
	if o.Progress != nil {
		group.Go(func() { r.report(online) })
	}
	r.awaitFirstConnects(ctx)
	if o.Connected != nil {
		o.Connected()
	}
	began := time.Now()
	r.publishUntilStop(ctx, phones)
	published := time.Since(began)
	if ctx.Err() == nil {
		drain(ctx, phones, o.DrainWait)
	}
	if o.Drained != nil {
		o.Drained()
	}
	goOffline()
	group.Wait()

	l := newLedger(phones, published)
	if err := ctx.Err(); err != nil && (o.Duration > 0 || o.Stop != nil) {
		return l, fmt.Errorf("crowd: ended early: %w", err)
	}
	return l, nil
}

// awaitFirstConnects waits until all have been connected once, or for ConnectWait.
func (r *run) awaitFirstConnects(ctx context.Context) {
	select {
	case <-r.allThere:
	case <-r.o.Stop: // nil: never
	case <-time.After(r.o.ConnectWait):
		r.o.Logger.Warn("not all phones are connected", "missing", r.missing.Load())
	case <-ctx.Done():
	}
}

// publishUntilStop is publish, which o.Stop ends too.
func (r *run) publishUntilStop(ctx context.Context, phones []*phone) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		defer cancel()
		if r.o.Eager {
			r.publishEagerly(ctx, phones)
		} else {
			r.publish(ctx, phones)
		}
	})
	select {
	case <-r.o.Stop: // nil: never
		cancel()
	case <-ctx.Done():
	}
	group.Wait()
}

// publishEagerly gives each phone a first fix; acknowledgements call for the
// next ones until it is over.
func (r *run) publishEagerly(ctx context.Context, phones []*phone) {
	r.eager.Store(true)
	defer r.eager.Store(false)
	for _, p := range phones {
		p.publish(time.Now())
	}
	over := r.o.Duration
	if over == 0 {
		over = math.MaxInt64
	}
	sleep(ctx, over)
}

// publish makes fixes at the rate of the run until it is over.
func (r *run) publish(ctx context.Context, phones []*phone) {
	began := time.Now()
	var group sync.WaitGroup
	n := min(publishers, len(phones))
	for share := range n {
		var mine []*phone
		for i := share; i < len(phones); i += n {
			mine = append(mine, phones[i])
		}
		interval := float64(len(phones)) / float64(len(mine)) / r.o.Rate // seconds
		group.Go(func() { r.publishShare(ctx, mine, began, interval, float64(share)/float64(n)) })
	}
	group.Wait()
}

// publishShare makes fixes of some phones in turn, one each interval. When it
// is late it catches up: the rate is that of the world, not of the server.
func (r *run) publishShare(ctx context.Context, phones []*phone, began time.Time, interval, offset float64) {
	clock := r.o.Start
	if clock.IsZero() {
		clock = began
	}
	for n := 0; ; n++ {
		due := time.Duration((float64(n) + offset) * interval * float64(time.Second))
		if r.o.Duration > 0 && due >= r.o.Duration {
			return
		}
		if !sleep(ctx, due-time.Since(began)) {
			return
		}
		phones[n%len(phones)].publish(clock.Add(due))
	}
}

// sleep reports false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// drain waits until everything is acknowledged.
func drain(ctx context.Context, phones []*phone, wait time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for _, p := range phones {
		for !p.idle() && sleep(ctx, 5*time.Millisecond) {
		}
	}
}

// report calls o.Progress each second.
func (r *run) report(ctx context.Context) {
	for sleep(ctx, time.Second) {
		r.o.Progress(Progress{Connected: int(r.connected.Load()), Published: r.published.Load(), Acked: r.acked.Load()})
	}
}
