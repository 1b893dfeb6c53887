package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// The crowd of the fan-out: a company whose phones send every 30 s.
const (
	fanoutPhones  = 5000
	fanoutSeconds = 30
)

// fanout lets many browsers follow one company's live frames: without any, with
// all, and with some of them that never read.
func (b *bench) fanout(ctx context.Context) (_ string, err error) {
	crew := *b
	crew.phones = min(fanoutPhones, b.phones)
	rate := fmt.Sprintf("%.2f", float64(crew.phones)/fanoutSeconds)
	cases := []struct {
		name  string
		flags []string
	}{
		{"nobody follows", nil},
		{fmt.Sprintf("%d follow", b.readers), []string{"--readers", fmt.Sprint(b.readers)}},
		{fmt.Sprintf("%d follow, 10 more never read", b.readers), []string{"--readers", fmt.Sprint(b.readers), "--stalled", "10"}},
	}
	results := make([][]report, len(cases))
	for range b.rounds {
		s, err := crew.fieldcast(ctx, "")
		if err != nil {
			return "", err
		}
		for i, c := range cases {
			r, err := crew.load(ctx, s, append([]string{"--rate", rate, "--filter", "fc/" + company + "/_live"}, c.flags...)...)
			if err != nil {
				return "", errors.Join(fmt.Errorf("%s: %w", c.name, err), s.stop())
			}
			results[i] = append(results[i], r)
		}
		if err := s.stop(); err != nil {
			return "", err
		}
	}
	var w strings.Builder
	fmt.Fprintf(&w, "A company of %d people with a fix every %d s each, for %v; followers read the live frames, which gather changes for 250 ms; median of %d.\n%s\n\n",
		crew.phones, fanoutSeconds, b.duration, b.rounds, conditions())
	w.WriteString("| followers | CPU of the server, % of a core | fix → follower p50 / p99 ms | changes that a follower got | PUBACK p99 ms |\n|---|---|---|---|---|\n")
	for i, c := range cases {
		rs := results[i]
		age, got := "", ""
		if len(c.flags) > 0 {
			age = fmt.Sprintf("%.0f / %.0f", median(rs, func(r report) float64 { return r.Read.ChangeAge.P50 }), median(rs, func(r report) float64 { return r.Read.ChangeAge.P99 }))
			got = fmt.Sprintf("%.2f %%", median(rs, func(r report) float64 {
				return 100 * float64(r.Read.Changes) / float64(b.readers) / float64(max(r.Acked, 1))
			}))
		}
		fmt.Fprintf(&w, "| %s | %.1f | %s | %s | %.1f |\n", c.name,
			median(rs, func(r report) float64 { return r.Process.MicrosAFix * r.PerSecond / 1e4 }), age, got,
			median(rs, func(r report) float64 { return r.PubAck.P99 }))
	}
	return w.String(), nil
}
