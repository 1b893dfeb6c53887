package disk

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of one journal.
type metrics struct {
	registerer prometheus.Registerer
	registered []prometheus.Collector

	appendSeconds prometheus.Histogram
	syncSeconds   prometheus.Histogram
	groupRecords  prometheus.Histogram
	refused       prometheus.Counter
}

func newMetrics(j *Journal) *metrics {
	return &metrics{
		appendSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fieldcast_journal_append_seconds",
			Help:    "Time from the call of an append to its fsync being over.",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 16), // to 8 s
		}),
		syncSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fieldcast_journal_fsync_seconds",
			Help:    "Time of writing and syncing one group of records.",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 16),
		}),
		groupRecords: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fieldcast_journal_group_records",
			Help:    "Records that shared an fsync.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 14),
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fieldcast_journal_full_total",
			Help: "Appends refused because the journal was full.",
		}),
		registered: []prometheus.Collector{
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "fieldcast_journal_bytes",
				Help: "Bytes of the journal on disk.",
			}, func() float64 { return float64(j.Stats().Bytes) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "fieldcast_journal_records",
				Help: "Records in the journal that have not been cut off.",
			}, func() float64 { s := j.Stats(); return float64(s.Last + 1 - s.First) }),
		},
	}
}

// register makes the metrics visible; all or none.
func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	all := append(m.registered, m.appendSeconds, m.syncSeconds, m.groupRecords, m.refused)
	m.registered, m.registerer = nil, r
	for _, c := range all {
		if err := r.Register(c); err != nil {
			m.unregister()
			return errors.Join(errors.New("register metrics of the journal"), err)
		}
		m.registered = append(m.registered, c)
	}
	return nil
}

func (m *metrics) unregister() {
	if m.registerer == nil {
		return
	}
	for _, c := range m.registered {
		m.registerer.Unregister(c)
	}
	m.registered = nil
}
