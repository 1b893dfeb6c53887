package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// report is what fieldcast bench --json prints, as far as it is used here.
type report struct {
	Published int     `json:"published"`
	Acked     int     `json:"acked"`
	PerSecond float64 `json:"per_s"`
	Lost      int     `json:"connections_lost"`
	Refused   int     `json:"connections_refused"`
	PubAck    latency `json:"puback_ms"`
	Read      struct {
		Fixes     int     `json:"fixes"`
		Age       latency `json:"age_ms"`
		Changes   int     `json:"changes"`
		ChangeAge latency `json:"change_age_ms"`
	} `json:"read"`
	Process struct {
		BytesAPhone int64   `json:"bytes_a_phone"`
		MicrosAFix  float64 `json:"cpu_us_a_fix"`
	} `json:"process"`
}

type latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
}

// turn is a contender's figures of a round.
type turn struct {
	steady, eager report
	stored        int // fixes of both; -1: it has no store
}

// load runs fieldcast bench against a server.
func (b *bench) load(ctx context.Context, s *running, flags ...string) (r report, err error) {
	args := append([]string{"bench", "--json", "--broker", s.addr, "--pid", fmt.Sprint(s.pid), "--duration", b.duration.String()}, s.flags...)
	cmd := exec.CommandContext(ctx, b.program, append(args, flags...)...) //nolint:gosec // the program under test
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("fieldcast bench: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return r, json.Unmarshal(stdout.Bytes(), &r)
}

// brokers gives everybody a turn, round after round, each with a new server:
// what else the machine does meanwhile meets all of them.
func (b *bench) brokers(ctx context.Context) (string, error) {
	turns := map[string][]turn{}
	for range b.rounds {
		for _, c := range contenders {
			t, err := b.turn(ctx, c)
			if err != nil {
				return "", fmt.Errorf("%s: %w", c.name, err)
			}
			turns[c.name] = append(turns[c.name], t)
			fmt.Fprintf(b.out, "%s: %+v\n", c.name, t)
		}
	}
	return b.brokersTable(turns), nil
}

func (b *bench) turn(ctx context.Context, c contender) (t turn, err error) {
	s, err := c.start(b, ctx)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	t.stored = -1
	if t.steady, err = b.load(ctx, s, "--rate", fmt.Sprint(b.rate), "--readers", "1", "--filter", "fc/"+company+"/+"); err != nil {
		return t, err
	}
	if t.eager, err = b.load(ctx, s, "--eager"); err != nil {
		return t, err
	}
	if s.stored != nil {
		t.stored, err = s.stored(ctx)
	}
	return t, err
}

func (b *bench) brokersTable(turns map[string][]turn) string {
	var w strings.Builder
	fmt.Fprintf(&w, "%d phones, %d fixes a second for %v, then as fast as each is acknowledged; one reader of all topics at the steady rate; median of %d.\n%s\n\n",
		b.phones, b.rate, b.duration, b.rounds, conditions())
	w.WriteString("| server | on disk before PUBACK | kB an idle phone | CPU µs a fix | PUBACK p50 / p99 / p99.9 ms | fix → reader p99 ms | the reader got | fix → live map p99 ms | fastest, fixes/s | CPU µs a fix then | acknowledged and not stored |\n")
	w.WriteString("|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range contenders {
		ts := turns[c.name]
		of := func(f func(turn) float64) float64 { return median(ts, f) }
		ack := fmt.Sprintf("%.1f / %.1f / %.0f", of(func(t turn) float64 { return t.steady.PubAck.P50 }),
			of(func(t turn) float64 { return t.steady.PubAck.P99 }), of(func(t turn) float64 { return t.steady.PubAck.P999 }))
		fmt.Fprintf(&w, "| %s | %s | %.1f | %.0f | %s | %.0f | %.2f %% | %s | %.0f | %.0f | %s |\n", c.name, c.keeps,
			of(func(t turn) float64 { return float64(t.steady.Process.BytesAPhone) / 1e3 }),
			of(func(t turn) float64 { return t.steady.Process.MicrosAFix }), ack,
			of(func(t turn) float64 { return t.steady.Read.Age.P99 }),
			of(func(t turn) float64 { return 100 * float64(t.steady.Read.Fixes) / float64(max(t.steady.Acked, 1)) }),
			live(ts),
			of(func(t turn) float64 { return t.eager.PerSecond }),
			of(func(t turn) float64 { return t.eager.Process.MicrosAFix }), missing(ts))
	}
	return w.String()
}

// live is the age of fixes in live frames; only Fieldcast has those.
func live(ts []turn) string {
	if ts[0].steady.Read.Changes == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f", median(ts, func(t turn) float64 { return t.steady.Read.ChangeAge.P99 }))
}

// missing is how many fixes were acknowledged, but are not in the store, in the
// worst turn.
func missing(ts []turn) string {
	worst := 0
	for _, t := range ts {
		if t.stored < 0 {
			return "nothing is stored"
		}
		worst = max(worst, t.steady.Acked+t.eager.Acked-t.stored)
	}
	return fmt.Sprint(worst)
}

func median[T any, V cmp.Ordered](all []T, of func(T) V) V {
	values := make([]V, len(all))
	for i, v := range all {
		values[i] = of(v)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
