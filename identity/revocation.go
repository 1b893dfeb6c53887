package identity

import (
	"context"
	"fmt"
	"sync"
	"time"

	"fieldcast/track"
)

const (
	// pollEvery and pollTimeout keep the promise that a revoked token is refused
	// within 5 seconds.
	pollEvery   = 2 * time.Second
	pollTimeout = 2 * time.Second

	// pollOverlap is asked for again: a revocation whose transaction took long
	// appears later than its time says.
	pollOverlap = time.Minute

	// fullEvery is how often all revocations are read, so that a database whose
	// clock was set back hides none.
	fullEvery = 5 * time.Minute
)

// revocations are the ids of tokens that are valid but for having been revoked.
type revocations struct {
	idsMu sync.RWMutex
	ids   map[string]time.Time // when the token expires; zero: never

	callbacksMu sync.Mutex
	callbacks   []func([]string)

	pollMu sync.Mutex // one poll at a time; guards what follows
	latest time.Time  // newest revocation that was seen, by the database's clock
	fullAt time.Time  // when all were read
	away   bool       // the last poll failed, and was logged
}

func newRevocations() *revocations {
	return &revocations{ids: map[string]time.Time{}}
}

func (r *revocations) has(id string) bool {
	r.idsMu.RLock()
	defer r.idsMu.RUnlock()
	_, revoked := r.ids[id]
	return revoked
}

// add keeps tokens that have not expired and returns the ids that were not known.
func (r *revocations) add(tokens []track.Token, now time.Time) (fresh []string) {
	r.idsMu.Lock()
	defer r.idsMu.Unlock()
	for _, t := range tokens {
		if _, known := r.ids[t.ID]; !known && !expired(t.ExpiresAt, now) {
			r.ids[t.ID] = t.ExpiresAt
			fresh = append(fresh, t.ID)
		}
	}
	return fresh
}

// forget drops what has expired: such a token is refused for that alone.
func (r *revocations) forget(now time.Time) {
	r.idsMu.Lock()
	defer r.idsMu.Unlock()
	for id, expires := range r.ids {
		if expired(expires, now) {
			delete(r.ids, id)
		}
	}
}

func expired(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

func (r *revocations) tell(fresh []string) {
	if len(fresh) == 0 {
		return
	}
	r.callbacksMu.Lock()
	callbacks := r.callbacks[:len(r.callbacks):len(r.callbacks)]
	r.callbacksMu.Unlock()
	for _, f := range callbacks {
		f(fresh)
	}
}

// OnRevoke calls f with the ids of tokens that turn out to be revoked, from
// [Service.Start] and [Service.Run], after Verify refuses them. F must not
// block for long, and must not keep or change the slice.
func (s *Service) OnRevoke(f func(tokenIDs []string)) {
	s.revoked.callbacksMu.Lock()
	defer s.revoked.callbacksMu.Unlock()
	s.revoked.callbacks = append(s.revoked.callbacks, f)
}

// Start learns all revocations there are. Call it before anybody can log in.
func (s *Service) Start(ctx context.Context) error {
	if err := s.poll(ctx); err != nil {
		return fmt.Errorf("read revoked tokens: %w", err)
	}
	return nil
}

// Run learns revocations every 2 seconds until ctx ends, and then returns nil.
// While the store is away, what is known stays in force.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := s.poll(ctx)
		if ctx.Err() != nil {
			return nil
		}
		s.report(err)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// report logs that the store went away, or came back, once.
func (s *Service) report(err error) {
	s.revoked.pollMu.Lock()
	defer s.revoked.pollMu.Unlock()
	switch {
	case err != nil && !s.revoked.away:
		s.log.Warn("cannot read revoked tokens: new revocations take effect when the database is back", "error", err)
	case err == nil && s.revoked.away:
		s.log.Info("revoked tokens are read again")
	}
	s.revoked.away = err != nil
}

func (s *Service) poll(ctx context.Context) error {
	r := s.revoked
	r.pollMu.Lock()
	defer r.pollMu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()

	now := s.now()
	full := r.fullAt.IsZero() || now.Sub(r.fullAt) >= fullEvery
	var since time.Time
	if !full && !r.latest.IsZero() {
		since = r.latest.Add(-pollOverlap)
	}
	tokens, err := s.store.Revoked(ctx, since)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if t.RevokedAt.After(r.latest) {
			r.latest = t.RevokedAt
		}
	}
	fresh := r.add(tokens, now)
	if full {
		r.fullAt = now
		r.forget(now)
	}
	r.tell(fresh)
	return nil
}
