//go:build unix

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// errWrong says that something was lost, stored twice, or wrong otherwise.
var errWrong = errors.New("not everything is right")

// report adds up and says what happened.
type report struct {
	out  io.Writer
	seed uint64

	episodes, skipped              int
	kills, acked, lost, duplicated int
	wrong                          []string
	now                            episode
}

func (r *report) begin(e episode) time.Time {
	r.now = e
	r.episodes++
	fmt.Fprintf(r.out, "#%d %v, round %d\n", r.episodes, e, e.round+1)
	return time.Now()
}

func (r *report) skip(why error) {
	r.skipped++
	fmt.Fprintf(r.out, "   skipped: %v\n", why)
}

// end takes the outcome of an episode.
func (r *report) end(w *world, took time.Duration, err error) {
	t := w.tally()
	r.kills += w.kills
	r.acked += t.Acked
	r.lost += t.Lost
	r.duplicated += t.Twice
	fmt.Fprintf(r.out, "   %d kills, %d acked, %d stored, %d lost, %d duplicated, %.0f s\n",
		w.kills, t.Acked, t.Stored, t.Lost, t.Twice, took.Seconds())
	for _, note := range w.notes {
		fmt.Fprintf(r.out, "   %s\n", note)
	}
	if err != nil {
		text := strings.ReplaceAll(err.Error(), "\n", "\n     ")
		r.wrong = append(r.wrong, fmt.Sprintf("%v: %s\n     again: scripts/chaos --only %s --store %s --journal %s --seed %d (round %d)",
			r.now, text, r.now.name, r.now.store, r.now.journal, r.seed, r.now.round+1))
		fmt.Fprintf(r.out, "   WRONG: %s\n", text)
	}
}

// kept says where the files of what went wrong are.
func (r *report) kept(dir string, w *world) {
	file := filepath.Join(dir, "server.log")
	if err := os.WriteFile(file, []byte(w.server.Log.String()), 0o600); err != nil {
		fmt.Fprintf(r.out, "   the server's log cannot be kept: %v\n", err)
	}
	fmt.Fprintf(r.out, "   its files are in %s\n", dir)
}

// finish says it all in the last line, and returns [errWrong] unless all is
// well, or an error if the run was interrupted.
func (r *report) finish(interrupted error) error {
	if len(r.wrong) > 0 {
		fmt.Fprintf(r.out, "\nWRONG, with seed %d:\n", r.seed)
		for _, w := range r.wrong {
			fmt.Fprintf(r.out, "  %s\n", w)
		}
	}
	fmt.Fprintf(r.out, "seed %d, %d episodes, %d skipped, %d wrong\n", r.seed, r.episodes, r.skipped, len(r.wrong))
	fmt.Fprintf(r.out, "kills %d · acked %d · lost %d · duplicated %d\n", r.kills, r.acked, r.lost, r.duplicated)
	if len(r.wrong) > 0 || r.lost > 0 || r.duplicated > 0 {
		return errWrong
	}
	if interrupted != nil {
		return fmt.Errorf("the episode under way does not count: %w", interrupted)
	}
	return nil
}
