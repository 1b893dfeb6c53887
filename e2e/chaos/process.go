//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"fieldcast/simulate/crowd"
)

// processScenarios break the process.
func processScenarios() []scenario {
	return []scenario{
		{
			name: "kill", promises: "G1 G2 G3", stores: both, kills: true, play: playKill,
			about: "kill -9 of the server at random moments under load, start it again at once",
		},
		{
			name: "start", promises: "G1 G2 G3", stores: both, kills: true, play: playStart,
			about: "kill -9 while the server starts, with a journal to replay",
		},
		{
			name: "pause", promises: "G1 G2 G3", stores: both, play: playPause, load: impatient,
			about: "SIGSTOP and SIGCONT: phones give up and come back; some pauses end with kill -9",
		},
		{
			name: "terminate", promises: "G1 G2 G3", stores: both, play: playTerminate,
			about: "SIGTERM under load, exit code 0, start again",
		},
	}
}

// impatient phones take a connection for dead after 1.5 s.
func impatient(o *crowd.Options) { o.AckWait = 1500 * time.Millisecond }

func playKill(ctx context.Context, w *world) error {
	n := roundKills
	if w.episode.kills > 0 {
		n = min(n, w.episode.kills)
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	for range n {
		// A number of acknowledgements, and a fraction of a commit on top.
		if err := w.awaitAcks(ctx, w.random.IntN(250)); err != nil {
			return err
		}
		w.pass(ctx, 50*time.Millisecond)
		w.kill()
		if err := w.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func playStart(ctx context.Context, w *world) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	err := w.awaitAcks(ctx, 100)
	if err == nil {
		err = w.killWithBacklog(ctx, 1000)
	}
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := w.start(ctx); err != nil {
		return err
	}
	usual := time.Since(begun)
	w.kill()
	for range 10 {
		if err := w.launch(); err != nil {
			return err
		}
		w.pass(ctx, usual*5/4)
		if !w.server.Running() {
			return fmt.Errorf("the server ended while it started: %s", w.server.Log.Tail(500))
		}
		w.kill()
	}
	return w.start(ctx)
}

// killWithBacklog kills the server when so many fixes more are in its journal
// and not in the database.
func (w *world) killWithBacklog(ctx context.Context, n int) error {
	release, err := w.holdDatabase(ctx)
	if err != nil {
		return err
	}
	err = w.awaitMoreAcks(ctx, n)
	w.kill()
	return errors.Join(err, release())
}

func playPause(ctx context.Context, w *world) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	for i := range 6 {
		if err := w.awaitAcks(ctx, w.random.IntN(300)); err != nil {
			return err
		}
		w.server.Signal(syscall.SIGSTOP)
		w.pass(ctx, 3*time.Second)
		if i%3 == 2 {
			w.kill()
			if err := w.start(ctx); err != nil {
				return err
			}
			continue
		}
		w.server.Signal(syscall.SIGCONT)
	}
	return nil
}

func playTerminate(ctx context.Context, w *world) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	for range 4 {
		if err := w.awaitAcks(ctx, w.random.IntN(600)); err != nil {
			return err
		}
		w.pass(ctx, 50*time.Millisecond)
		code, err := w.server.Stop()
		if err != nil {
			return err
		}
		if code != 0 {
			return fmt.Errorf("SIGTERM: exit code %d, want 0: %s", code, w.server.Log.Tail(500))
		}
		if err := w.start(ctx); err != nil {
			return err
		}
	}
	return nil
}
