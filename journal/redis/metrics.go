package redis

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of one journal. The names are those of journal/disk where the meaning
// is the same.
type metrics struct {
	registerer prometheus.Registerer
	registered []prometheus.Collector

	appendSeconds prometheus.Histogram
	syncSeconds   prometheus.Histogram
	groupRecords  prometheus.Histogram
	refused       prometheus.Counter
	unavailable   prometheus.Counter
	lost          prometheus.Counter
	restored      prometheus.Counter
}

func newMetrics(j *Journal) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	seconds := prometheus.ExponentialBuckets(0.00025, 2, 16) // to 8 s
	return &metrics{
		appendSeconds: histogram("fieldcast_journal_append_seconds", "Time from the call of an append to its record being as durable as configured.", seconds),
		syncSeconds:   histogram("fieldcast_journal_fsync_seconds", "Time of writing one group of records, with all that durability asks for.", seconds),
		groupRecords:  histogram("fieldcast_journal_group_records", "Records that were written together.", prometheus.ExponentialBuckets(1, 2, 14)),
		refused:       counter("fieldcast_journal_full_total", "Appends refused because the journal was full."),
		unavailable:   counter("fieldcast_journal_unavailable_total", "Appends given up because Redis was away for too long."),
		lost:          counter("fieldcast_journal_lost_records_total", "Acknowledged records that Redis has lost and that were nowhere else."),
		restored:      counter("fieldcast_journal_restored_records_total", "Records that Redis had lost and that were written again from memory."),
		registered: []prometheus.Collector{
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "fieldcast_journal_bytes",
				Help: "Bytes that the records take in Redis, by an estimate.",
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
	all := append(m.registered, m.appendSeconds, m.syncSeconds, m.groupRecords, m.refused, m.unavailable, m.lost, m.restored)
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
