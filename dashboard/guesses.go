package dashboard

import (
	"net/netip"
	"sync"
	"time"
)

// An address may try so many tokens of links that open nothing: at once, and then
// one in this time. Behind one address there may be many people with old links.
const (
	guessBurst = 30
	guessEvery = 10 * time.Second
	// maxGuessing bounds the memory; beyond it, all are forgiven.
	maxGuessing = 50_000
)

// tooManyGuesses becomes 429.
type tooManyGuesses struct{ wait time.Duration }

func (tooManyGuesses) Error() string {
	return "too many links that do not work were opened from this address: try again later"
}

// RetryAfter is how long until one more is looked at.
func (e tooManyGuesses) RetryAfter() time.Duration { return e.wait }

// guesses counts them by address. The zero value is ready; safe for concurrent use.
type guesses struct {
	mu    sync.Mutex
	until map[string]time.Time // when all of an address will have been paid off
}

// wait is how long nothing from the address is looked at.
func (g *guesses) wait(address string, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	until, ok := g.until[network(address)]
	if !ok {
		return 0
	}
	return max(0, until.Sub(now)-(guessBurst-1)*guessEvery)
}

// count notes one more.
func (g *guesses) count(address string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.until == nil || len(g.until) >= maxGuessing {
		g.until = map[string]time.Time{}
	}
	key := network(address)
	paid := g.until[key]
	if paid.Before(now) {
		paid = now
	}
	g.until[key] = paid.Add(guessEvery)
}

// network is what counts as one: an IPv4 address, or the /64 that a customer with
// IPv6 has at least.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	bits := 64
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(ip, bits).Masked().String()
}
