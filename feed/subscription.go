package feed

import "sync/atomic"

// everyCompany is the company of a subscription to all of them.
const everyCompany = ""

// Subscription is the view of one who watches. Close it when done. All methods
// are safe for concurrent use.
type Subscription struct {
	hub        *Hub
	company    string
	framesOnly bool
	events     chan Event
	lost       atomic.Uint64
}

// Subscribe starts watching a company, or (company empty) all of them. Size is
// how many events may wait to be read, at least 1; those that do not fit are
// lost and counted. Events published before are not seen.
func (h *Hub) Subscribe(company string, size int) *Subscription {
	return h.subscribe(&Subscription{company: company, events: make(chan Event, max(size, 1))})
}

// SubscribeFrames is [Hub.Subscribe] for those who need [Frame] events only: in
// a crowd they are woken four times a second and not thousands of times.
func (h *Hub) SubscribeFrames(company string, size int) *Subscription {
	return h.subscribe(&Subscription{company: company, framesOnly: true, events: make(chan Event, max(size, 1))})
}

func (h *Hub) subscribe(s *Subscription) *Subscription {
	s.hub = h
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs[s.company] == nil {
		h.subs[s.company] = make(map[*Subscription]struct{})
	}
	h.subs[s.company][s] = struct{}{}
	return s
}

// Events is the stream. It is closed by [Subscription.Close], after what was
// waiting in it.
func (s *Subscription) Events() <-chan Event { return s.events }

// Lost returns how many events did not fit since the subscription began. A
// reader that sees it grow has a gap.
func (s *Subscription) Lost() uint64 { return s.lost.Load() }

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() {
	if n := s.Lost(); s.leave() && n > 0 {
		s.hub.log.Info("a subscriber that was too slow has gone", "company", s.company, "lost", n)
	}
}

// leave reports whether the subscription was open.
func (s *Subscription) leave() bool {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	subs := s.hub.subs[s.company]
	if _, open := subs[s]; !open {
		return false
	}
	delete(subs, s)
	if len(subs) == 0 {
		delete(s.hub.subs, s.company)
	}
	close(s.events) // no send is under way: they happen with hub.mu held
	return true
}

// offer is called with hub.mu held.
func (s *Subscription) offer(e *Event) {
	if s.framesOnly && e.Frame == nil {
		return
	}
	select {
	case s.events <- *e:
	default:
		s.lost.Add(1)
		s.hub.lost.Inc()
	}
}
