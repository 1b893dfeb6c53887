//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"

	"fieldcast/e2e/binary"
	"fieldcast/simulate/crowd"
)

var postgresOnly = []string{postgres}

// postgresScenarios break the database server.
func postgresScenarios() []scenario {
	return []scenario{
		{
			name: "pg-stop", promises: "G6 G1 G2", stores: postgresOnly, play: playDatabaseStops,
			about: "PostgreSQL is stopped, in three ways, and started; the server is killed meanwhile",
		},
		{
			name: "pg-kill", promises: "G6 G1 G2", stores: postgresOnly, play: playDatabaseKilled,
			about: "kill -9 of PostgreSQL's processes: of one that serves us, or of the postmaster",
		},
		{
			name: "pg-slow", promises: "G6 G1 G2", stores: postgresOnly, play: playDatabaseSlow, behindProxy: true,
			about: "PostgreSQL is slow: its processes are stopped for seconds, the network delays, freezes and cuts",
		},
		{
			name: "pg-refuses", promises: "G6 G1 G2", stores: postgresOnly, play: playDatabaseRefuses,
			about: "PostgreSQL has no connection left, or is read-only",
		},
		{
			name: "pg-poison", promises: "G7 G1 G2", stores: postgresOnly, play: playPoison,
			about: "PostgreSQL refuses single rows: they go to rejected, the rest of the batch is stored",
		},
		{
			name: "journal-full", promises: "G6 G1 G2", stores: postgresOnly, play: playJournalFull, settings: "journal:\n  max_bytes: 64MiB\n",
			load:  func(o *crowd.Options) { o.Padding, o.AckWait = 16_000, 4*time.Second },
			about: "PostgreSQL is away until the journal is at its limit: no acks, phones keep what they have",
		},
	}
}

// away checks that phones are acknowledged while the database is not there.
func (w *world) away(ctx context.Context) error {
	return w.awaitMoreAcks(ctx, 100+w.random.IntN(400))
}

func playDatabaseStops(ctx context.Context, w *world) error {
	if err := errors.Join(w.begin(ctx), w.awaitAcks(ctx, 200)); err != nil {
		return err
	}
	for _, mode := range []string{"immediate", "fast", "immediate"} {
		if err := w.pg.stop(mode); err != nil {
			return err
		}
		if err := w.away(ctx); err != nil {
			return fmt.Errorf("while PostgreSQL was stopped: %w", err)
		}
		killed := w.random.IntN(2) == 0
		if killed { // it waits for the database while it starts
			w.kill()
			if err := w.launch(); err != nil {
				return err
			}
			w.pass(ctx, time.Second)
		}
		if err := w.pg.start(); err != nil {
			return err
		}
		if killed {
			if err := w.server.WaitReady(ctx); err != nil {
				return err
			}
		}
		if err := w.awaitMoreAcks(ctx, w.random.IntN(300)); err != nil {
			return err
		}
	}
	return nil
}

func playDatabaseKilled(ctx context.Context, w *world) error {
	if err := errors.Join(w.begin(ctx), w.awaitAcks(ctx, 200)); err != nil {
		return err
	}
	for i := range 4 {
		pids, err := w.pg.backends(ctx)
		if err != nil {
			return err
		}
		if i%2 == 0 && len(pids) > 0 { // the others end too, and PostgreSQL recovers
			if err := syscall.Kill(pids[w.random.IntN(len(pids))], syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		} else if err := w.pg.kill(ctx); err != nil {
			return err
		}
		if err := w.away(ctx); err != nil {
			return fmt.Errorf("after kill -9 of PostgreSQL: %w", err)
		}
		if err := w.pg.start(); err != nil {
			return err
		}
		if err := w.awaitMoreAcks(ctx, w.random.IntN(300)); err != nil {
			return err
		}
	}
	return nil
}

func playDatabaseSlow(ctx context.Context, w *world) error {
	if err := errors.Join(w.begin(ctx), w.awaitAcks(ctx, 200)); err != nil {
		return err
	}
	for range 2 {
		pids, err := w.pg.backends(ctx)
		if err != nil {
			return err
		}
		signalAll(pids, syscall.SIGSTOP)
		err = w.away(ctx)
		w.pass(ctx, 3*time.Second)
		signalAll(pids, syscall.SIGCONT)
		if err != nil {
			return fmt.Errorf("while PostgreSQL's processes were stopped: %w", err)
		}
		for _, trouble := range []func(){
			func() { w.proxy.delay(time.Duration(w.random.IntN(200)) * time.Millisecond) },
			func() { w.proxy.freeze() },
			func() { w.proxy.cut() },
		} {
			trouble()
			if err := w.away(ctx); err != nil {
				return fmt.Errorf("while the network to PostgreSQL was bad: %w", err)
			}
			w.proxy.heal()
		}
	}
	return nil
}

// signalAll sends a signal to processes, of which some may have ended.
func signalAll(pids []int, sig syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, sig) // it may have ended
	}
}

func playDatabaseRefuses(ctx context.Context, w *world) error {
	if err := errors.Join(w.begin(ctx), w.awaitAcks(ctx, 200)); err != nil {
		return err
	}
	role := "ALTER ROLE " + w.pg.name
	for _, trouble := range []struct{ what, begin, end string }{
		{"out of connections", role + " CONNECTION LIMIT 0", role + " CONNECTION LIMIT -1"},
		{"read-only", role + " SET default_transaction_read_only = on", role + " RESET default_transaction_read_only"},
	} {
		// What is connected already would not notice.
		err := binary.Execute(ctx, w.pg.server, trouble.begin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '"+w.pg.name+"'")
		if err == nil {
			err = w.away(ctx)
		}
		if err == nil {
			err = w.awaitUnready(ctx, "database")
		}
		w.pass(ctx, 2*time.Second)
		if err := errors.Join(err, binary.Execute(ctx, w.pg.server, trouble.end)); err != nil {
			return fmt.Errorf("while PostgreSQL was %s: %w", trouble.what, err)
		}
		if err := binary.Await(ctx, 30*time.Second, "the server is ready again", w.ready); err != nil {
			return fmt.Errorf("after PostgreSQL was %s: %w", trouble.what, err)
		}
	}
	return nil
}

// awaitUnready waits until readiness says no, and why.
func (w *world) awaitUnready(ctx context.Context, why string) error {
	return binary.Await(ctx, 40*time.Second, "readiness says no because of the "+why, func() bool {
		code, said := w.server.Fetch("/readyz", "")
		return code == http.StatusServiceUnavailable && strings.Contains(string(said), why)
	})
}

func (w *world) ready() bool { return w.server.Status("/readyz", "") == http.StatusOK }

func playJournalFull(ctx context.Context, w *world) error {
	if err := errors.Join(w.begin(ctx), w.awaitAcks(ctx, 200), w.pg.stop("immediate"), w.awaitUnready(ctx, "full")); err != nil {
		return err
	}
	// What was under way may still be answered; then nothing is.
	w.wait(ctx, 500*time.Millisecond)
	before := w.acked()
	w.wait(ctx, time.Second)
	if after := w.acked(); after != before {
		return fmt.Errorf("%v publishes were acknowledged though the journal is full", after-before)
	}
	w.note("the journal was full after %v acks", before)
	if err := w.pg.start(); err != nil {
		return err
	}
	if err := binary.Await(ctx, 60*time.Second, "the server is ready again", w.ready); err != nil {
		return err
	}
	return w.awaitMoreAcks(ctx, 200)
}
