package broker

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"fieldcast/track"
)

// pace is how fast connections are let in.
type pace struct{ limiter *rate.Limiter }

func newPace(perSecond, burst int) *pace {
	return &pace{rate.NewLimiter(rate.Limit(perSecond), burst)}
}

// wait waits for its turn, or until ctx ends, and returns how long that was.
func (p *pace) wait(ctx context.Context) time.Duration {
	if p.limiter.Allow() {
		return 0
	}
	begun := time.Now()
	_ = p.limiter.Wait(ctx) // it only fails when the server closes
	return time.Since(begun)
}

// within waits for its turn, and reports false at once if that would take
// longer than most.
func (p *pace) within(ctx context.Context, most time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return p.limiter.Wait(ctx) == nil
}

// paces are token buckets, one for each owner: for each phone that publishes,
// not for each connection, or who connects again would begin anew; and for each
// address.
type paces struct {
	perSecond, burst int

	mu      sync.Mutex
	byOwner map[string]*ownPace
}

// ownPace is one owner's.
type ownPace struct {
	limiter     *rate.Limiter
	connections int
}

func newPaces(perSecond, burst int) *paces {
	return &paces{perSecond: perSecond, burst: burst, byOwner: map[string]*ownPace{}}
}

// allow takes one from an owner's bucket, if there is one left.
func (p *paces) allow(owner string) bool {
	defer p.leave(owner)
	return p.enter(owner).Allow()
}

// enter returns the bucket of an owner who has connected.
func (p *paces) enter(owner string) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.byOwner[owner]
	if own == nil {
		own = &ownPace{limiter: rate.NewLimiter(rate.Limit(p.perSecond), p.burst)}
		p.byOwner[owner] = own
	}
	own.connections++
	return own.limiter
}

// leave forgets a bucket once it is full and nobody uses it.
func (p *paces) leave(owner string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.byOwner[owner]
	own.connections--
	p.prune(owner, own)
}

// prune drops a bucket that nobody uses, or looks again when it will be full.
// The caller holds mu.
func (p *paces) prune(owner string, own *ownPace) {
	if own.connections > 0 || p.byOwner[owner] != own {
		return
	}
	missing := float64(p.burst) - own.limiter.Tokens()
	if missing <= 0 {
		delete(p.byOwner, owner)
		return
	}
	again := time.Duration(missing/float64(p.perSecond)*float64(time.Second)) + time.Millisecond
	time.AfterFunc(again, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.prune(owner, own)
	})
}

// paced holds up a phone that publishes faster than it may: its own connection
// only, so that TCP tells it to slow down. It reports false when that has gone
// on for too long, or the connection has ended meanwhile.
func (s *Server) paced(session *session) bool {
	if session.id.Role != track.RoleDevice || session.pace == nil {
		return true
	}
	turn := session.pace.Reserve()
	delay := turn.Delay()
	if delay <= 0 {
		session.delayedSince = time.Time{}
		return true
	}
	now := time.Now()
	if session.delayedSince.IsZero() {
		session.delayedSince = now
	}
	if now.Sub(session.delayedSince) > s.Limits.PublishPatience {
		turn.Cancel()
		return false
	}
	s.metrics.publishDelayed.Add(delay.Seconds())
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-session.done:
	case <-s.ctx.Done():
	}
	return false
}
