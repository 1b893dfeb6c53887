package simulate

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// stats are the counters of a run. Safe for concurrent use.
type stats struct {
	sent, acked, resent, dropped, pending, connects, failures, spells, online atomic.Int64

	warned atomic.Int64 // Unix seconds of the last warning
}

// warnEvery keeps thousands of phones from filling the log when their broker
// is away: one warning stands for all.
const warnEvery = 10 * time.Second

func (s *stats) report() Report {
	return Report{
		Sent: s.sent.Load(), Acked: s.acked.Load(), Resent: s.resent.Load(), Dropped: s.dropped.Load(),
		Pending: s.pending.Load(), Connects: s.connects.Load(), Failures: s.failures.Load(), OfflineSpells: s.spells.Load(),
	}
}

func (s *stats) send(first, again int) {
	s.sent.Add(int64(first))
	s.resent.Add(int64(again))
}

func (s *stats) ack(fixes int) { s.acked.Add(int64(fixes)) }

func (s *stats) connected(change int64) {
	s.online.Add(change)
	if change > 0 {
		s.connects.Add(change)
	}
}

func (s *stats) failed(ctx context.Context, log *slog.Logger, p Phone, err error) {
	total := s.failures.Add(1)
	level := slog.LevelDebug
	now, last := time.Now().Unix(), s.warned.Load()
	if now-last >= int64(warnEvery/time.Second) && s.warned.CompareAndSwap(last, now) {
		level = slog.LevelWarn
	}
	log.Log(ctx, level, "a simulated phone has no connection",
		"company", p.Company, "employee", p.Employee, "error", err, "failures", total)
}

// register shows the counters as metrics.
func (s *stats) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	counters := []struct {
		name, help string
		value      *atomic.Int64
	}{
		{"fixes_sent_total", "Different fixes that simulated phones handed to a connection.", &s.sent},
		{"fixes_acked_total", "Fixes that the broker acknowledged.", &s.acked},
		{"fixes_resent_total", "Fixes that were handed over again after a reconnect.", &s.resent},
		{"fixes_dropped_total", "Fixes that did not fit into the queue of a phone.", &s.dropped},
		{"connects_total", "Connections that the broker accepted.", &s.connects},
		{"failures_total", "Connections that failed or broke.", &s.failures},
		{"offline_spells_total", "Times that a phone was without coverage.", &s.spells},
	}
	value := func(v *atomic.Int64) func() float64 { return func() float64 { return float64(v.Load()) } }
	for _, c := range counters {
		opts := prometheus.CounterOpts{Namespace: "fieldcast", Subsystem: "simulate", Name: c.name, Help: c.help}
		if err := r.Register(prometheus.NewCounterFunc(opts, value(c.value))); err != nil {
			return fmt.Errorf("register metrics of the simulation: %w", err)
		}
	}
	opts := prometheus.GaugeOpts{Namespace: "fieldcast", Subsystem: "simulate", Name: "phones_connected", Help: "Simulated phones that are connected."}
	if err := r.Register(prometheus.NewGaugeFunc(opts, value(&s.online))); err != nil {
		return fmt.Errorf("register metrics of the simulation: %w", err)
	}
	return nil
}
