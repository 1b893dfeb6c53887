//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fieldcast/simulate/crowd"
)

// networkScenarios break what is between phones and broker.
func networkScenarios() []scenario {
	return []scenario{
		{
			name: "network", promises: "G1 G2 G3", stores: both, play: playNetwork, phonesBehindProxy: true,
			load:  func(o *crowd.Options) { o.AckWait, o.KeepAlive = 2*time.Second, 3*time.Second },
			about: "the network delays, freezes, cuts, drops connections half open, and delivers them twice; the server is killed meanwhile",
		},
		{
			name: "resend", promises: "G2 G1", stores: both, play: playResend,
			load:  func(o *crowd.Options) { o.Repeat, o.Rate = 50, 60 },
			about: "phones send everything 50 times; the server is killed meanwhile",
		},
	}
}

func playNetwork(ctx context.Context, w *world) error {
	if err := errors.Join(w.begin(ctx), w.awaitAcks(ctx, 100)); err != nil {
		return err
	}
	troubles := []struct {
		name string
		do   func()
	}{
		{"delayed", func() { w.proxy.delay(time.Duration(w.random.IntN(300)) * time.Millisecond) }},
		{"dropped half open", w.proxy.lose},
		{"cut", w.proxy.cut},
		{"frozen", w.proxy.freeze},
		{"delivered twice", func() {
			for range 5 {
				w.proxy.duplicate()
				w.proxy.cut() // phones connect anew; the first of them has a twin
				w.pass(ctx, 300*time.Millisecond)
			}
		}},
	}
	for round := range 2 {
		for _, i := range w.random.Perm(len(troubles)) {
			troubles[i].do()
			w.pass(ctx, 2*time.Second)
			if w.random.IntN(4) == 0 {
				w.kill()
				if err := w.start(ctx); err != nil {
					return err
				}
			}
			w.proxy.heal()
			if err := w.awaitMoreAcks(ctx, 50+w.random.IntN(150)); err != nil {
				return fmt.Errorf("round %d, after connections were %s: %w", round+1, troubles[i].name, err)
			}
		}
	}
	if w.proxy.twinsMade() == 0 {
		return errors.New("no connection was delivered twice: the scenario proves less than it says")
	}
	return nil
}

func playResend(ctx context.Context, w *world) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	for range 3 {
		if err := w.awaitAcks(ctx, 1000+w.random.IntN(2000)); err != nil {
			return err
		}
		w.kill()
		if err := w.start(ctx); err != nil {
			return err
		}
	}
	return w.awaitAcks(ctx, 2000)
}
