package dashboard

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fieldcast/track"
)

// StreamLimits bounds answers that last: streams, long polls that wait, and
// exports. Zero fields are the defaults.
type StreamLimits struct {
	PerCompany int           // at the same time; 1,000
	PerUser    int           // at the same time, over all browsers and tabs; 20
	Heartbeat  time.Duration // a silent stream says that it lives this often; 15 s
	Write      time.Duration // who takes nothing for this long is cut off; 20 s
}

func (l StreamLimits) orDefault() StreamLimits {
	l.PerCompany = cmp.Or(l.PerCompany, 1000)
	l.PerUser = cmp.Or(l.PerUser, 20)
	l.Heartbeat = cmp.Or(l.Heartbeat, 15*time.Second)
	l.Write = cmp.Or(l.Write, 20*time.Second)
	return l
}

// Why a stream ends. The words are public: they are labels of the metric and
// the reason that a stream gives at its end.
var (
	errRevoked  = errors.New("revoked")
	errExpired  = errors.New("expired")
	errStopping = errors.New("stopping")
	errSlow     = errors.New("slow")
	errGone     = errors.New("gone") // the reader has hung up
	errAnswered = errors.New("answered")
)

// watchers are those who wait for changes by HTTP, or take an export, which may
// last as long.
type watchers struct {
	limits StreamLimits
	open   *prometheus.GaugeVec
	closed *prometheus.CounterVec

	mu        sync.Mutex
	all       map[*watcher]struct{}
	byCompany map[string]int
	byUser    map[string]int
}

// watcher is one of them. Its context ends, with the cause, when it must.
type watcher struct {
	kind    string // "stream", "poll" or "export"
	company string
	user    string
	tokenID string
	end     context.CancelCauseFunc
}

func newWatchers(l StreamLimits, r prometheus.Registerer) *watchers {
	w := &watchers{
		limits: l, all: map[*watcher]struct{}{}, byCompany: map[string]int{}, byUser: map[string]int{},
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fieldcast_http_watchers", Help: "Streams, long polls and exports that are open.",
		}, []string{"kind"}),
		closed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fieldcast_http_watchers_closed_total", Help: "Streams, long polls and exports that ended or were refused, by reason.",
		}, []string{"kind", "reason"}),
	}
	if r != nil {
		r.MustRegister(w.open, w.closed)
	}
	return w
}

// tooManyWatchers refuses one more; it becomes 429.
type tooManyWatchers struct{ who string }

func (e tooManyWatchers) Error() string {
	return "too many streams, long polls and exports of this " + e.who + " are open: close one, or use one for all"
}

// RetryAfter is how long a browser needs to notice that a tab was closed.
func (tooManyWatchers) RetryAfter() time.Duration { return 30 * time.Second }

// begin counts somebody in. The context that it returns ends with ctx, when the
// identity expires or is revoked, and when stopping is closed. Leave must be
// called with the reason of the end; the context's own counts first, but for errSlow.
func (w *watchers) begin(ctx context.Context, kind, company string, id track.Identity, now time.Time, stopping <-chan struct{}) (watching context.Context, leave func(error), err error) {
	one := &watcher{kind: kind, company: company, user: userKey(id), tokenID: id.TokenID}
	if err := w.add(one); err != nil {
		w.closed.WithLabelValues(kind, "refused").Inc()
		return nil, nil, err
	}
	watching, one.end = context.WithCancelCause(ctx)
	if !id.ExpiresAt.IsZero() {
		timer := time.AfterFunc(id.ExpiresAt.Sub(now), func() { one.end(errExpired) })
		context.AfterFunc(watching, func() { timer.Stop() })
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-stopping:
			one.end(errStopping)
		case <-ended:
		}
	}()
	w.mu.Lock()
	w.all[one] = struct{}{}
	w.mu.Unlock()
	w.open.WithLabelValues(kind).Inc()
	return watching, func(cause error) {
		close(ended)
		one.end(cause)
		w.remove(one)
		w.open.WithLabelValues(kind).Dec()
		if !errors.Is(cause, errSlow) { // which also ends the request's context
			cause = context.Cause(watching)
		}
		w.closed.WithLabelValues(kind, reason(cause)).Inc()
	}, nil
}

// reason is the label of a cause. What is none of ours is a reader who left.
func reason(cause error) string {
	for _, known := range []error{errRevoked, errExpired, errStopping, errSlow, errAnswered} {
		if errors.Is(cause, known) {
			return known.Error()
		}
	}
	return errGone.Error()
}

// userKey is whose limit counts. Tokens without a name of their own share their
// subject, but are not the same program.
func userKey(id track.Identity) string {
	if id.Subject == string(id.Role)+"@"+id.Company {
		return id.TokenID
	}
	return id.Subject
}

func (w *watchers) add(one *watcher) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.byCompany[one.company] >= w.limits.PerCompany:
		return tooManyWatchers{"company"}
	case w.byUser[one.user] >= w.limits.PerUser:
		return tooManyWatchers{"user"}
	}
	w.byCompany[one.company]++
	w.byUser[one.user]++
	return nil
}

func (w *watchers) remove(one *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, one)
	lower(w.byCompany, one.company)
	lower(w.byUser, one.user)
}

func lower(counts map[string]int, key string) {
	if counts[key]--; counts[key] <= 0 {
		delete(counts, key)
	}
}

// revoke ends those whose tokens have been revoked.
func (w *watchers) revoke(tokenIDs []string) {
	revoked := make(map[string]bool, len(tokenIDs))
	for _, id := range tokenIDs {
		revoked[id] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.all {
		if revoked[one.tokenID] {
			one.end(errRevoked)
		}
	}
}
