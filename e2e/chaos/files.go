//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fieldcast/simulate/crowd"
)

// smallJournal makes the journal change files about once a second, with
// bulkyLoad.
const smallJournal = "journal:\n  max_bytes: 64MiB\n"

func bulkyLoad(o *crowd.Options) { o.Padding = 16_000 }

// diskScenarios break what is on disk.
func diskScenarios() []scenario {
	return []scenario{
		{
			name: "files", promises: "G1 G2", stores: both, needsJournal: onDisk, play: playFiles, settings: smallJournal, load: bulkyLoad,
			about: "kill -9 at the moment when the journal begins a file, or deletes those that are committed",
		},
		{
			name: "full", promises: "G1 G2 G6", stores: []string{sqlite}, needsJournal: onDisk, play: playFull, settings: smallJournal, needs: canMount, smallDisk: true,
			about: "the disk is full: no acks, readiness says so; kill -9 and a start meanwhile",
		},
		{
			name: "damage-log", promises: "G1", stores: both, needsJournal: onDisk, play: playDamagedJournal, settings: smallJournal, load: bulkyLoad,
			about: "bit flips and cut-off files in the journal, with acknowledged fixes that are nowhere else: noticed, never served wrong",
		},
		{
			name: "damage-db", promises: "G1 G2", stores: []string{sqlite}, needsJournal: onDisk, play: playDamagedDatabase,
			about: "bit flips, zeros and cut-off ends in fieldcast.db and its write-ahead log: noticed, never served wrong",
		},
	}
}

// playFiles kills when a file comes or goes in the journal's folder.
func playFiles(ctx context.Context, w *world) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	for i := range 8 {
		deletion := i%4 == 3
		if err := w.awaitChangeOfFiles(ctx, deletion); err != nil {
			return err
		}
		w.pass(ctx, 4*time.Millisecond)
		w.kill()
		if err := w.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// awaitChangeOfFiles waits until the journal has made a file, or deleted one.
func (w *world) awaitChangeOfFiles(ctx context.Context, deletion bool) error {
	before := w.journalFiles()
	limit := time.Now().Add(60 * time.Second)
	for ctx.Err() == nil {
		now := w.journalFiles()
		if deletion && missing(before, now) || !deletion && missing(now, before) {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("the journal has not changed its files for 60 s (deletion: %v)", deletion)
		}
		if deletion {
			before = now
		}
		w.wait(ctx, time.Millisecond)
	}
	return ctx.Err()
}

// journalFiles lists the journal's files of records, oldest first.
func (w *world) journalFiles() []string {
	files, err := filepath.Glob(filepath.Join(w.server.Data, "journal", "*.wal"))
	if err != nil {
		return nil // never: the pattern is good
	}
	return files
}

// missing reports whether there is something in all that is not in some.
func missing(all, some []string) bool {
	have := strings.Join(some, "\n")
	for _, f := range all {
		if !strings.Contains(have, f) {
			return true
		}
	}
	return false
}

// playFull fills the disk, and makes room again.
func playFull(ctx context.Context, w *world) error {
	if err := errors.Join(w.begin(ctx), w.awaitAcks(ctx, 300)); err != nil {
		return err
	}
	ballast := filepath.Join(w.disk, "ballast")
	for round := range 3 {
		// As much as the journal keeps free is what the database may still need.
		if err := fill(ballast, int64(w.random.IntN(8<<20))); err != nil {
			return err
		}
		if err := w.awaitUnready(ctx, "journal is full"); err != nil {
			return err
		}
		w.wait(ctx, 300*time.Millisecond)
		before := w.acked()
		w.pass(ctx, time.Second)
		if after := w.acked(); after != before {
			return fmt.Errorf("%v publishes were acknowledged though the disk is full", after-before)
		}
		if round > 0 {
			if err := w.killOnFullDisk(ctx); err != nil {
				return err
			}
		}
		if err := os.Remove(ballast); err != nil {
			return err
		}
		if !w.server.Running() {
			if err := w.launch(); err != nil {
				return err
			}
		}
		if err := errors.Join(w.server.WaitReady(ctx), w.awaitMoreAcks(ctx, 100)); err != nil {
			return fmt.Errorf("after the disk was full: %w", err)
		}
	}
	return nil
}

// killOnFullDisk kills the server and starts it. It may start and say that it
// is full, or end with a sentence.
func (w *world) killOnFullDisk(ctx context.Context) error {
	w.kill()
	from := w.server.Log.Len()
	if err := w.launch(); err != nil {
		return err
	}
	o := w.awaitOutcome(ctx, from, 10*time.Second)
	w.note("started on a full disk: %v", o)
	return o.err
}

// fill writes a file until the disk has no more than spare bytes left.
func fill(file string, spare int64) error {
	f, err := os.Create(file) //nolint:gosec // in a folder of ours
	if err != nil {
		return err
	}
	defer f.Close()
	size := int64(0)
	for block := make([]byte, 1<<16); ; {
		n, err := f.Write(block)
		size += int64(n)
		if err != nil {
			return f.Truncate(max(0, size-spare))
		}
	}
}
