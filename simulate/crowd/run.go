package crowd

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// run is what the phones of a run share.
type run struct {
	o            Options
	dials        chan struct{} // one place for each phone that connects now
	firstConnect sync.WaitGroup

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
// o.Duration is 0.
func Run(ctx context.Context, o Options) (*Ledger, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("crowd: %w", err)
	}
	r := &run{o: o, dials: make(chan struct{}, o.Dials)}
	phones := make([]*phone, len(o.Phones))
	for i, p := range o.Phones {
		phones[i] = newPhone(r, p)
	}

	online, goOffline := context.WithCancel(ctx)
	var group sync.WaitGroup
	r.firstConnect.Add(len(phones))
	for _, p := range phones {
		group.Go(func() { p.live(online) })
	}
	if o.Progress != nil {
		group.Go(func() { r.report(online) })
	}
	r.awaitFirstConnects(ctx)
	began := time.Now()
	r.publish(ctx, phones)
	published := time.Since(began)
	if ctx.Err() == nil {
		drain(ctx, phones, o.DrainWait)
	}
	goOffline()
	group.Wait()

	l := newLedger(phones, published)
	if err := ctx.Err(); err != nil && o.Duration > 0 {
		return l, fmt.Errorf("crowd: ended early: %w", err)
	}
	return l, nil
}

// awaitFirstConnects waits until all have been connected once, or for ConnectWait.
func (r *run) awaitFirstConnects(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.o.ConnectWait)
	defer cancel()
	for tick := time.Millisecond; ctx.Err() == nil && !r.allConnected(); tick = min(2*tick, 50*time.Millisecond) {
		sleep(ctx, tick)
	}
}
