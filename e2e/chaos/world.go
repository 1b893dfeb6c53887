//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fieldcast/e2e/binary"
	"fieldcast/simulate/crowd"
)

// companies of each world, with employees of the same names.
var companies = []string{"acme", "birch", "cedar"}

// The usual load: few enough phones that a killed server has them back at once.
const (
	phonesPerCompany = 15
	usualRate        = 600 // fixes a second
)

// How long phones may take to deliver what they have, and the server to store it.
const (
	drainWait  = 90 * time.Second
	commitWait = 120 * time.Second
)

// world is an installation for one episode, with its phones and watchers.
type world struct {
	episode episode
	random  *rand.Rand
	dir     string
	server  *binary.Server
	flags   []string          // of the server, beside the usual ones
	pg      *database         // where the data is; nil: SQLite
	tokens  map[string]string // a manager's, by company
	watch   []*watcher

	crowds  int          // that were started
	load    *load        // the one that runs; nil: none
	settled []settlement // of crowds that have ended
	address string       // where phones connect; the server's, or a proxy's

	redis     *redis // holds the journal; nil: it is on disk
	disk      string // a small one, if the scenario has one
	unmount   func() error
	proxy     *proxy          // a bad network, if the scenario has one
	clock     time.Time       // of the phones of the next crowd; zero: right
	outsiders map[string]bool // people who are no part of the crowds

	kills    int
	notes    []string // for the report
	rejected int64    // messages of each company that must have been rejected
}

// world makes one, ready and without load. Its caller ends it, also when there
// is an error beside it.
func (r *runner) world(ctx context.Context, e episode, dir string) (w *world, err error) {
	w = &world{episode: e, random: e.random(), dir: dir, tokens: map[string]string{}, outsiders: map[string]bool{}}
	if w.server, err = binary.New(r.program, filepath.Join(dir, "data"), ""); err != nil {
		return w, err
	}
	w.address = w.server.MQTT
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return w, err
	}
	if e.store == postgres {
		if w.pg, w.server.Database, err = r.database(ctx); err != nil {
			return w, err
		}
	}
	if err := w.placeJournal(); err != nil {
		return w, err
	}
	if e.smallDisk {
		if err := w.mountDisk(); err != nil {
			return w, err
		}
	}
	if e.behindProxy {
		if err := w.bendDatabase(); err != nil {
			return w, err
		}
	}
	if e.phonesBehindProxy {
		if w.proxy, err = newProxy(w.server.MQTT); err != nil {
			return w, err
		}
		w.address = w.proxy.addr()
	}
	if e.settings != "" {
		file := filepath.Join(dir, "fieldcast.yaml")
		if err := os.WriteFile(file, []byte(e.settings), 0o600); err != nil {
			return w, err
		}
		w.flags = []string{"--config", file}
	}
	if err := w.start(ctx); err != nil {
		return w, err
	}
	return w, w.found()
}

// mountDisk puts the data on a disk of its own.
func (w *world) mountDisk() (err error) {
	w.disk = filepath.Join(w.dir, "disk")
	if err := os.MkdirAll(w.disk, 0o700); err != nil {
		return err
	}
	if w.unmount, err = mount(w.disk); err != nil {
		return fmt.Errorf("mount a small disk: %w", err)
	}
	w.server.Data = filepath.Join(w.disk, "data")
	return nil
}

// bendDatabase puts the proxy between the server and PostgreSQL.
func (w *world) bendDatabase() error {
	u, err := url.Parse(w.server.Database)
	if err != nil {
		return err
	}
	if w.proxy, err = newProxy(u.Host); err != nil {
		return err
	}
	u.Host = w.proxy.addr()
	w.server.Database = u.String()
	return nil
}

// found makes the companies, and lets somebody watch each.
func (w *world) found() error {
	for _, c := range companies {
		if _, err := w.server.CLI("company", "add", c, "--name", strings.ToUpper(c)); err != nil {
			return err
		}
		token, err := w.server.Token(c, "manager", "--ttl", "24h")
		if err != nil {
			return err
		}
		w.tokens[c] = token
		w.watch = append(w.watch, newWatcher(w.server.MQTT, c, token, !w.episode.wanders))
	}
	return nil
}

// start starts the server and waits until it is ready.
func (w *world) start(ctx context.Context) error { return w.server.Start(ctx, w.flags...) }

// launch starts the server and does not wait.
func (w *world) launch() error { return w.server.Launch(w.flags...) }

// kill is kill -9.
func (w *world) kill() {
	w.server.Kill()
	w.kills++
}

// pass lets a random time below most go by.
func (w *world) pass(ctx context.Context, most time.Duration) {
	w.wait(ctx, time.Duration(w.random.Int64N(int64(most))))
}

// wait lets a time go by.
func (w *world) wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// note says something in the report.
func (w *world) note(format string, args ...any) {
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}

// acked is how many publishes this process of the server has acknowledged; -1
// while it does not answer.
func (w *world) acked() float64 { return w.server.Metric("fieldcast_publishes_acked_total") }

// awaitAcks waits until this process of the server has acknowledged more than n.
func (w *world) awaitAcks(ctx context.Context, n int) error {
	return binary.AwaitEvery(ctx, 20*time.Millisecond, 60*time.Second, fmt.Sprintf("more than %d fixes are acknowledged", n), func() bool {
		return w.acked() > float64(n)
	})
}

// awaitMoreAcks waits for n more than there are now.
func (w *world) awaitMoreAcks(ctx context.Context, n int) error {
	return w.awaitAcks(ctx, int(max(0, w.acked()))+n)
}

// load is a crowd that publishes.
type load struct {
	stop   chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
	ledger *crowd.Ledger
	err    error
}

// settlement is what a crowd has sent, and how it compared with the store the
// last time.
type settlement struct {
	ledger  *crowd.Ledger
	verdict crowd.Verdict
}

// begin lets new people of every company publish until [world.settle].
func (w *world) begin(ctx context.Context) error {
	w.crowds++
	var phones []crowd.Phone
	for _, c := range companies {
		ps, err := w.server.Enrol(c, fmt.Sprintf("r%de", w.crowds), phonesPerCompany)
		if err != nil {
			return err
		}
		phones = append(phones, ps...)
	}
	l := &load{stop: make(chan struct{}), done: make(chan struct{})}
	o := crowd.Options{Addr: w.address, Phones: phones, Rate: usualRate, Stop: l.stop, Start: w.clock, DrainWait: drainWait, AckWait: 5 * time.Second}
	if w.episode.load != nil {
		w.episode.load(&o)
	}
	ctx, l.cancel = context.WithCancel(ctx)
	go func() {
		defer close(l.done)
		l.ledger, l.err = crowd.Run(ctx, o)
	}()
	w.load = l
	return nil
}

// settle ends the load if there is one: phones deliver what they have, the
// server stores it, and everything is compared.
func (w *world) settle(ctx context.Context) error {
	var delivered error
	if l := w.load; l != nil {
		close(l.stop)
		<-l.done
		l.cancel()
		w.load = nil
		if l.ledger == nil {
			return l.err
		}
		w.settled = append(w.settled, settlement{ledger: l.ledger})
		if delivered = l.err; delivered == nil && l.ledger.Acked < l.ledger.Published {
			delivered = fmt.Errorf("%d of %d fixes were still not acknowledged after %v", l.ledger.Published-l.ledger.Acked, l.ledger.Published, drainWait)
		}
	}
	return errors.Join(delivered, w.check(ctx))
}

// tally adds up what was compared.
func (w *world) tally() (sum crowd.Verdict) {
	for _, s := range w.settled {
		sum.Acked += s.ledger.Acked
		sum.Stored += s.verdict.Stored
		sum.Lost += s.verdict.Lost
		sum.Twice += s.verdict.Twice
	}
	return sum
}

// end stops everything.
func (w *world) end() error {
	if l := w.load; l != nil {
		l.cancel()
		<-l.done
		w.load = nil
	}
	var errs []error
	for _, o := range w.watch {
		errs = append(errs, o.end())
	}
	if w.server != nil {
		w.server.Kill()
	}
	if w.unmount != nil {
		errs = append(errs, w.unmount())
	}
	if w.proxy != nil {
		errs = append(errs, w.proxy.close())
	}
	if w.redis != nil {
		errs = append(errs, w.redis.stop("immediate"))
	}
	if w.pg != nil {
		errs = append(errs, w.pg.restore())
	}
	return errors.Join(errs...)
}
