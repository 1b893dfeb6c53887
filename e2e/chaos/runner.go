//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"time"

	"fieldcast/e2e/binary"
)

// runner plays episodes one after the other.
type runner struct {
	o       options
	program string
	remove  func()
	dir     string // of everything that is written
	keep    bool   // an episode went wrong: leave its files
	began   time.Time
	report  *report
	pg      *database // PostgreSQL; nil until it is needed
}

func newRunner(o options, out io.Writer) (*runner, error) {
	program, remove, err := binary.Program()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "fieldcast-chaos-")
	if err != nil {
		remove()
		return nil, err
	}
	return &runner{o: o, program: program, remove: remove, dir: dir, began: time.Now(), report: &report{out: out, seed: o.seed}}, nil
}

// close stops what runs and removes what was written, unless something went
// wrong.
func (r *runner) close() {
	if r.pg != nil {
		if err := r.pg.close(); err != nil {
			fmt.Fprintln(r.report.out, "PostgreSQL does not stop:", err)
		}
	}
	r.remove()
	if !r.keep {
		_ = os.RemoveAll(r.dir) // a folder of ours below the system's for such things
	}
}

// play plays until the run has what it wants.
func (r *runner) play(ctx context.Context, episodes iter.Seq[episode]) {
	for e := range episodes {
		if ctx.Err() != nil || r.done(e) {
			return
		}
		if r.o.kills > 0 {
			e.kills = min(r.o.kills-r.report.kills, (r.o.kills+len(r.o.stores)-1)/len(r.o.stores))
			if e.scenario.kills && e.kills <= 0 {
				continue
			}
		}
		r.episode(ctx, e)
	}
}

// done reports whether the run has what it wants before it plays e: by default
// one round, else the time or the kills that were asked for.
func (r *runner) done(e episode) bool {
	switch {
	case r.o.minutes > 0 && time.Since(r.began).Minutes() >= r.o.minutes:
		return true
	case r.o.kills > 0:
		return e.round > 0 && r.report.kills >= r.o.kills
	case r.o.minutes > 0:
		return false
	}
	return e.round > 0
}

// episode plays one, in a world of its own.
func (r *runner) episode(ctx context.Context, e episode) {
	begun := r.report.begin(e)
	if e.needs != nil {
		if err := e.needs(); err != nil {
			r.report.skip(err)
			return
		}
	}
	dir := filepath.Join(r.dir, fmt.Sprintf("%s-%s-%d", e.name, e.store, e.round))
	w, err := r.world(ctx, e, dir)
	if err == nil {
		err = errors.Join(e.play(ctx, w), ctx.Err())
	}
	if err == nil {
		err = w.settle(ctx)
	}
	err = errors.Join(err, w.end())
	if ctx.Err() != nil {
		return // what was interrupted proves nothing
	}
	r.report.end(w, time.Since(begun), err)
	if err != nil {
		r.keep = true
		r.report.kept(dir, w)
		return
	}
	_ = os.RemoveAll(dir) // a folder of ours; what is left goes with the others
}
