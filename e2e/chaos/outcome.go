//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"fieldcast/e2e/binary"
)

// outcome is what a server does that was started on a broken installation.
type outcome struct {
	kind string // serves, refuses, is not ready
	said string
	err  error // what is wrong with it: it died without a clear sentence
}

func (o outcome) String() string {
	if o.said == "" {
		return o.kind
	}
	return o.kind + ": " + o.said
}

// The kinds of outcome.
const (
	serves   = "serves"
	refuses  = "refuses"
	notReady = "is not ready"
)

// awaitOutcome waits until the server that was launched serves with everything
// stored, or has ended, or has been unready for the time given. Its log begins
// at from.
func (w *world) awaitOutcome(ctx context.Context, from int, patience time.Duration) outcome {
	var o outcome
	err := binary.Await(ctx, patience, "the server serves or ends", func() bool {
		if !w.server.Running() {
			o = w.refusal(from)
			return true
		}
		if w.ready() && w.server.Metric("fieldcast_journal_lag_records") == 0 {
			o = outcome{kind: serves}
			return true
		}
		return false
	})
	if err == nil {
		return o
	}
	code, said := w.server.Fetch("/readyz", "")
	o = outcome{kind: notReady, said: strings.TrimSpace(string(said))}
	if code != http.StatusServiceUnavailable || o.said == "" {
		o.err = fmt.Errorf("the server neither serves nor says why: readiness gives %d %q", code, said)
	}
	return o
}

// tmpPath shortens what is said in reports.
var tmpPath = regexp.MustCompile(`/\S*/data/`)

// refusal looks at how the server ended: exit code 1 and one clear sentence.
func (w *world) refusal(from int) outcome {
	log := strings.TrimSpace(w.server.Log.Since(from))
	lines := strings.Split(log, "\n")
	last := lines[len(lines)-1]
	o := outcome{kind: refuses, said: tmpPath.ReplaceAllString(last, "DATA/")}
	var errs []error
	if code := w.server.ExitCode(); code != 1 {
		errs = append(errs, fmt.Errorf("the server ended with exit code %d, want 1", code))
	}
	if !strings.HasPrefix(last, "fieldcast: ") {
		errs = append(errs, fmt.Errorf("its last line is no sentence: %q", last))
	}
	if strings.Contains(log, "goroutine ") {
		errs = append(errs, errors.New("it printed the stack of a panic"))
	}
	o.err = errors.Join(errs...)
	return o
}
