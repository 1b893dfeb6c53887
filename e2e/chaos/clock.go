//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fieldcast/e2e/binary"
)

// clockScenarios are about phones that do not know what time it is. The
// server's own clock cannot be bent from outside: a Go program asks the kernel,
// not the C library, so libfaketime does not reach it; see bridge's tests.
func clockScenarios() []scenario {
	return []scenario{{
		name: "clock", promises: "G3 G1 G2", stores: both, play: playClock, wanders: true,
		about: "phones whose clocks are hours ahead or behind, of last year, of 1970; the server is killed meanwhile",
	}}
}

func playClock(ctx context.Context, w *world) error {
	off := []time.Duration{
		time.Duration(1+w.random.IntN(48)) * time.Hour,
		-time.Duration(1+w.random.IntN(48)) * time.Hour,
		-365 * 24 * time.Hour,
		-time.Since(time.Unix(3600, 0)),
	}
	for _, d := range off {
		w.clock = time.Now().Add(d)
		if err := errors.Join(w.begin(ctx), w.awaitMoreAcks(ctx, 300)); err != nil {
			return err
		}
		w.kill()
		if err := w.start(ctx); err != nil {
			return err
		}
		if err := errors.Join(w.awaitAcks(ctx, 100+w.random.IntN(200)), w.settle(ctx)); err != nil {
			return fmt.Errorf("clocks off by %v: %w", d.Round(time.Hour), err)
		}
		if err := w.restartKeepsPositions(ctx); err != nil {
			return fmt.Errorf("clocks off by %v: %w", d.Round(time.Hour), err)
		}
	}
	return nil
}

// restartKeepsPositions compares last-known positions before and after kill -9.
func (w *world) restartKeepsPositions(ctx context.Context) error {
	before, err := w.places()
	if err != nil {
		return err
	}
	w.kill()
	if err := w.start(ctx); err != nil {
		return err
	}
	var after map[string]string
	err = binary.Await(ctx, 20*time.Second, "positions can be asked for", func() bool {
		after, err = w.places()
		return err == nil
	})
	if err != nil {
		return err
	}
	for who, where := range before {
		if after[who] != where {
			return fmt.Errorf("last-known: %s was shown as of %s, and after a restart as of %s", who, where, after[who])
		}
	}
	return nil
}

// places returns everybody's last-known position, in words.
func (w *world) places() (map[string]string, error) {
	all := map[string]string{}
	for _, c := range companies {
		positions, err := w.server.Positions(c, w.tokens[c])
		if err != nil {
			return nil, err
		}
		for _, p := range positions {
			all[c+"/"+p.Employee] = fmt.Sprintf("%v at %v, %v", p.RecordedAt, p.Lat, p.Lon)
		}
	}
	return all, nil
}
