package journaltest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"fieldcast/journal"
)

// Measured is how fast a journal was.
type Measured struct {
	PerSecond float64 // records
	P50, P99  time.Duration
}

// published is a publish of OwnTracks' size.
var published = journal.Record{
	Kind: journal.Message, Company: "acme", Employee: "e1742", Topic: "fc/acme/e1742", Size: 180,
	Payload: make([]byte, 180), ReceivedAt: time.Unix(1_800_000_000, 0),
}

// Measure lets so many appenders append for a time, each one after the other,
// and cuts off behind them, as a bridge does. Returns the first error of an
// append or a cut, and that of ctx.
func Measure(ctx context.Context, j journal.Journal, appenders int, long time.Duration) (Measured, error) {
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		took  []time.Duration
		errs  []error
	)
	began := time.Now()
	for range appenders {
		group.Go(func() {
			var mine []time.Duration
			var err error
			for now := began; err == nil && now.Sub(began) < long; {
				if _, err = j.Append(ctx, published); err == nil {
					done := time.Now()
					mine = append(mine, done.Sub(now))
					now = done
				}
			}
			mu.Lock()
			defer mu.Unlock()
			took, errs = append(took, mine...), append(errs, err)
		})
	}
	cutting, stop := context.WithCancel(ctx)
	cut := make(chan error)
	go func() { cut <- cutBehind(cutting, j) }()
	group.Wait()
	passed := time.Since(began)
	stop()
	if err := errors.Join(append(errs, <-cut, ctx.Err())...); err != nil {
		return Measured{}, err
	}
	slices.Sort(took)
	return Measured{
		PerSecond: float64(len(took)) / passed.Seconds(),
		P50:       took[len(took)/2],
		P99:       took[len(took)*99/100],
	}, nil
}

// cutBehind cuts off what is there, four times a second, until ctx ends.
func cutBehind(ctx context.Context, j journal.Journal) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := j.Truncate(j.Stats().Last); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}
