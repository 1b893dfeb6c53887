package feed

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fieldcast/track"
)

// defaultWindow is how long changes are gathered for a frame: short enough
// that a map seems live, long enough that a crowd costs a browser four
// messages a second.
const defaultWindow = 250 * time.Millisecond

// Options set up a [Hub]. The zero value is good.
type Options struct {
	Window     time.Duration // how long a frame gathers; 250 ms if zero
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
	Now        func() time.Time      // the clock; time.Now if nil
}

// Hub takes changes from one side and hands them to everyone who watches.
// Make one with [NewHub]. All methods are safe for concurrent use.
type Hub struct {
	window time.Duration
	now    func() time.Time
	log    *slog.Logger
	lost   prometheus.Counter

	mu      sync.Mutex // never held while waiting for anything
	subs    map[string]map[*Subscription]struct{}
	streams map[string]*stream // by company
	changed []*stream          // those with something pending, in order of their first change
}

// stream is what the hub knows of a company: the window that is open.
type stream struct {
	company string
	prev    uint64 // Seq of the frame before
	seq     uint64 // highest Seq that belongs into the next frame
	index   map[string]int
	people  []*track.Position // newest values of each changed person, by first change
}

// NewHub makes a hub. It starts nothing: [Hub.Run] does.
func NewHub(o Options) *Hub {
	if o.Window <= 0 {
		o.Window = defaultWindow
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Hub{
		window:  o.Window,
		now:     o.Now,
		log:     o.Logger,
		subs:    make(map[string]map[*Subscription]struct{}),
		streams: make(map[string]*stream),
	}
	h.register(o.Registerer)
	return h
}

func (h *Hub) register(r prometheus.Registerer) {
	lost := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fieldcast_feed_events_lost_total",
		Help: "Events that a subscription did not get, by reason.",
	}, []string{"reason"})
	h.lost = lost.WithLabelValues("subscriber_full")
	watching := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fieldcast_feed_subscriptions",
		Help: "Subscriptions that are open.",
	}, h.subscriptions)
	if r != nil {
		r.MustRegister(lost, watching)
	}
}

func (h *Hub) subscriptions() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, subs := range h.subs {
		n += len(subs)
	}
	return float64(n)
}

// Resume tells where a company stands before its first event, so that the
// first frame follows from what was known before the hub was made. It has no
// effect if the company is there already.
func (h *Hub) Resume(company string, seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.stream(company); s.prev == 0 && len(s.people) == 0 {
		s.prev, s.seq = seq, seq
	}
}

// Publish hands a change to everyone who watches the company, and puts it into
// the company's next frame. It never waits for a subscriber.
func (h *Hub) Publish(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !e.Quiet {
		h.deliver(&e)
	}
	p := e.person()
	if p == nil {
		return
	}
	s := h.stream(e.Company)
	if len(s.people) == 0 {
		h.changed = append(h.changed, s)
	}
	s.seq = max(s.seq, e.Seq)
	if i, ok := s.index[p.Employee]; ok {
		s.people[i] = p
		return
	}
	s.index[p.Employee] = len(s.people)
	s.people = append(s.people, p)
}

func (h *Hub) stream(company string) *stream {
	s := h.streams[company]
	if s == nil {
		s = &stream{company: company, index: make(map[string]int)}
		h.streams[company] = s
	}
	return s
}

// deliver is called with h.mu held: order in the channels is order of calls.
func (h *Hub) deliver(e *Event) {
	for sub := range h.subs[e.Company] {
		sub.offer(e)
	}
	for sub := range h.subs[everyCompany] {
		sub.offer(e)
	}
}

// Run closes a window at every tick until ctx ends, then a last one, and
// returns nil. Changes that are published without a Run wait for one.
func (h *Hub) Run(ctx context.Context) error {
	tick := time.NewTicker(h.window)
	defer tick.Stop()
	defer h.closeWindows()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			h.closeWindows()
		}
	}
}

func (h *Hub) closeWindows() {
	now := h.now().UTC()
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, s := range h.changed {
		h.closeWindow(s, now)
		h.changed[i] = nil
	}
	h.changed = h.changed[:0]
}

// closeWindow sends a frame of what is pending. The chain of Prev goes on even
// when nobody watches, because somebody may have been watching before.
func (h *Hub) closeWindow(s *stream, now time.Time) {
	if len(h.subs[s.company])+len(h.subs[everyCompany]) > 0 {
		f := &Frame{V: 1, Company: s.company, Prev: s.prev, Seq: s.seq, At: now, Cols: Cols, Rows: make([][]any, len(s.people))}
		for i, p := range s.people {
			f.Rows[i] = row(p, now)
		}
		h.deliver(&Event{Company: s.company, Seq: s.seq, At: now, Frame: f})
	}
	s.prev = s.seq
	clear(s.index)
	clear(s.people)
	s.people = s.people[:0]
}
