package identity

import (
	"cmp"
	"context"
	"net/netip"
	"sync"
	"time"
)

// allowance is how many logins may fail.
type allowance struct {
	burst int           // in a row
	every time.Duration // and then one in this time
}

const (
	accountBurst, accountEvery = 10, 30 * time.Second
	remoteBurst, remoteEvery   = 30, 5 * time.Second // many managers may sit behind one address
)

// maxThrottled bounds the memory of a throttle to about 10 MB.
const maxThrottled = 50_000

type remoteKey struct{}

// WithRemote returns a context for [Service.Login] that says from which address
// ("192.0.2.1", or with port as in [net/http.Request.RemoteAddr]) somebody logs
// in. Without it only the e-mail address is throttled.
func WithRemote(ctx context.Context, addr string) context.Context {
	return context.WithValue(ctx, remoteKey{}, network(addr))
}

func remote(ctx context.Context) string {
	s, _ := ctx.Value(remoteKey{}).(string)
	return s
}

// network returns what is to be counted as one: an IPv4 address, or the /64
// that a customer with IPv6 has at least.
func network(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		withPort, err := netip.ParseAddrPort(addr)
		if err != nil {
			return addr[:min(len(addr), 64)]
		}
		ip = withPort.Addr()
	}
	bits := 64
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(ip, bits).Masked().String()
}

// throttle counts failed logins for each account and each remote address.
//
// Somebody who guesses must not lock out who knows: from an address where the
// account has logged in before, it has an allowance of its own.
type throttle struct {
	now                   func() time.Time
	perAccount, perRemote allowance

	mu    sync.Mutex
	until map[string]time.Time // when all failures of a key will have been paid off
	known map[string]struct{}  // account and remote of past logins
}

func newThrottle(o Options) *throttle {
	return &throttle{
		now:        o.Now,
		perAccount: allowance{burst: cmp.Or(o.FailedLogins, accountBurst), every: accountEvery},
		perRemote:  allowance{burst: cmp.Or(o.FailedLoginsPerAddress, remoteBurst), every: remoteEvery},
		until:      map[string]time.Time{}, known: map[string]struct{}{},
	}
}

// attempt is a login that counts as failed until it is settled otherwise, so
// that many at once are counted as well.
type attempt struct {
	account string // key of the account
	remote  string // key of the address; empty if it is not known
	pair    string
}

// begin counts an attempt, or returns a [ThrottledError] and counts nothing.
func (t *throttle) begin(email, remote string) (attempt, error) {
	a := attempt{account: "a:" + email, pair: "p:" + email + "\n" + remote}
	if remote != "" {
		a.remote = "r:" + remote
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.known[a.pair]; ok {
		a.account = a.pair
	}
	now := t.now()
	wait := t.wait(a.account, t.perAccount, now)
	if a.remote != "" {
		wait = max(wait, t.wait(a.remote, t.perRemote, now))
	}
	if wait > 0 {
		return a, &ThrottledError{retryAfter: (wait + time.Second - 1).Truncate(time.Second)}
	}
	t.count(a.account, t.perAccount, now)
	if a.remote != "" {
		t.count(a.remote, t.perRemote, now)
	}
	return a, nil
}

// forgive takes an attempt back that neither succeeded nor failed.
func (t *throttle) forgive(a attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.uncount(a.account, t.perAccount)
	t.uncount(a.remote, t.perRemote)
}

// succeed forgives the account all it failed, but the address only this one
// attempt: who has an account could otherwise guess at others for ever.
func (t *throttle) succeed(a attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.until, a.account)
	t.uncount(a.remote, t.perRemote)
	if a.remote == "" {
		return
	}
	if len(t.known) >= maxThrottled {
		dropAny(t.known)
	}
	t.known[a.pair] = struct{}{}
}

// wait returns how long it is until key may fail once more. Each failure costs
// the time after which one more is allowed, and time pays it off.
func (t *throttle) wait(key string, a allowance, now time.Time) time.Duration {
	debt := max(0, t.until[key].Sub(now)) // Sub saturates: the zero time is far below
	return max(0, debt-time.Duration(a.burst-1)*a.every)
}

func (t *throttle) count(key string, a allowance, now time.Time) {
	until, ok := t.until[key]
	if !ok && len(t.until) >= maxThrottled {
		t.makeRoom(now)
	}
	if until.Before(now) {
		until = now
	}
	t.until[key] = until.Add(a.every)
}

func (t *throttle) uncount(key string, a allowance) {
	if until, ok := t.until[key]; ok {
		t.until[key] = until.Add(-a.every)
	}
}

// makeRoom drops what has been paid off, or else whatever comes first.
func (t *throttle) makeRoom(now time.Time) {
	for key, until := range t.until {
		if !until.After(now) {
			delete(t.until, key)
		}
	}
	if len(t.until) >= maxThrottled {
		dropAny(t.until)
	}
}

func dropAny[V any](m map[string]V) {
	for key := range m {
		delete(m, key)
		return
	}
}
