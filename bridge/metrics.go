package bridge

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fieldcast/track"
)

// metrics are the bridge's. The names are public.
type metrics struct {
	committed  prometheus.Counter
	duplicate  prometheus.Counter
	rejected   *prometheus.CounterVec
	ignored    prometheus.Counter
	skipped    prometheus.Counter
	failures   *prometheus.CounterVec
	commitTime prometheus.Histogram
	feedTime   prometheus.Histogram
}

func newMetrics(r prometheus.Registerer, lag func() float64) (*metrics, error) {
	m := &metrics{
		committed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fieldcast_fixes_committed_total",
			Help: "Fixes written to the database.",
		}),
		duplicate: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fieldcast_fixes_duplicate_total",
			Help: "Fixes delivered again that the database had already.",
		}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fieldcast_fixes_rejected_total",
			Help: "Parts of messages that could not be kept as a fix, by reason.",
		}, []string{"reason"}),
		ignored: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fieldcast_messages_ignored_total",
			Help: "Messages that are well formed and of no use to a server.",
		}),
		skipped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fieldcast_journal_skipped_records_total",
			Help: "Records that were missing from the journal when the bridge came to them.",
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fieldcast_commit_failures_total",
			Help: "Commits that failed and are tried again, by reason.",
		}, []string{"reason"}),
		commitTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fieldcast_commit_seconds",
			Help:    "Time of a successful commit.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14), // 1 ms to 8 s
		}),
		feedTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fieldcast_fix_to_feed_seconds",
			Help:    "Time from the receipt of a message to the event of the position that it moved.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14), // 0.5 ms to 4 s
		}),
	}
	if r == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.committed, m.duplicate, m.rejected, m.ignored, m.skipped, m.failures, m.commitTime, m.feedTime,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "fieldcast_journal_lag_records",
			Help: "Records in the journal that the database has not taken yet.",
		}, lag),
	} {
		errs = append(errs, r.Register(c))
	}
	return m, errors.Join(errs...)
}

// outcome counts what became of a record.
func (m *metrics) outcome(o *outcome) {
	for reason, n := range o.reasons {
		m.rejected.WithLabelValues(label(reason)).Add(float64(n))
	}
	m.ignored.Add(float64(o.ignored))
}

func (m *metrics) receipt(r track.Receipt, took time.Duration) {
	m.committed.Add(float64(r.Stored))
	m.duplicate.Add(float64(r.Duplicate))
	m.commitTime.Observe(took.Seconds())
	for _, refused := range r.Refused {
		m.rejected.WithLabelValues(label(refused.Reason)).Inc()
	}
}

// label keeps the number of labels bounded, whatever stands in a record.
func label(r track.Reason) string {
	switch r {
	case track.ReasonNotJSON, track.ReasonBadBatch, track.ReasonUnknownType, track.ReasonMissing,
		track.ReasonOutOfRange, track.ReasonBadField, track.ReasonEncrypted, track.ReasonTooLarge,
		track.ReasonBadTopic, track.ReasonStore:
		return string(r)
	}
	return "other"
}
