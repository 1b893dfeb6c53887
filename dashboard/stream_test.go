package dashboard_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"fieldcast/dashboard"
	"fieldcast/feed"
	"fieldcast/identity"
	"fieldcast/track"
)

// frame is what a reader takes from a stream.
type frame struct {
	V        int
	Company  string
	Prev     uint64
	Seq      uint64
	At       time.Time
	Cols     []string
	Rows     [][]any
	Complete bool
}

// event is a server-sent event.
type event struct{ name, id, data string }

// watched is a site that serves, with its feed running.
type watched struct {
	*site
	url string
}

func watch(t *testing.T, change ...func(*dashboard.Options)) *watched {
	t.Helper()
	s := newSite(t, change...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.hub.Run(ctx) }()
	s.hub.Resume("acme", 7)
	server := httptest.NewUnstartedServer(s.handler)
	server.Config.ReadTimeout = 300 * time.Millisecond // a stream lives longer
	server.Start()
	t.Cleanup(func() {
		server.Close()
		cancel()
		must(t, <-ended)
	})
	return &watched{s, server.URL}
}

// move gives a person of acme a new place.
func (w *watched) move(employee string, seq uint64) {
	w.people.mu.Lock()
	p := track.Position{Fix: track.Fix{Company: "acme", Employee: employee, Lat: float64(seq), Lon: 1, RecordedAt: noon, ReceivedAt: noon, Seq: seq}, Changed: seq, State: track.StateLive}
	kept := []track.Position{p}
	for _, q := range w.people.all {
		if q.Employee != employee {
			kept = append(kept, q)
		}
	}
	w.people.seq, w.people.all = seq, kept
	w.people.mu.Unlock()
	w.hub.Publish(feed.Event{Company: "acme", Employee: employee, Seq: seq, Position: &p})
}

// request asks at a URL; the answer's body is closed with the test.
func request(t *testing.T, address, token string, headers ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	must(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// stream opens one.
func (w *watched) stream(role string, headers ...string) *events {
	w.t.Helper()
	res := request(w.t.(*testing.T), w.url+path("acme", "stream"), w.tokens[role], headers...)
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		w.t.Fatalf("stream: %d %s", res.StatusCode, b)
	}
	return &events{w.t, res, bufio.NewReader(res.Body)}
}

type events struct {
	t   testing.TB
	res *http.Response
	in  *bufio.Reader
}

// next returns the next event; false at the end.
func (e *events) next() (ev event, ok bool) {
	for {
		line, err := e.in.ReadString('\n')
		if err != nil {
			return ev, false
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case line == "\n" && ev.data != "":
			return ev, true
		case field == "event":
			ev.name = value
		case field == "id":
			ev.id = value
		case field == "data":
			ev.data = value
		}
	}
}

// frame returns the next frame.
func (e *events) frame() (f frame) {
	e.t.Helper()
	for {
		ev, ok := e.next()
		if !ok {
			e.t.Fatal("the stream has ended")
		}
		if ev.name == "" {
			must(e.t, json.Unmarshal([]byte(ev.data), &f))
			if ev.id != strconv.FormatUint(f.Seq, 10) {
				e.t.Errorf("id %s of frame %d", ev.id, f.Seq)
			}
			return f
		}
	}
}

// drain returns the last event of a stream that ends.
func (e *events) drain() (last event) {
	for {
		ev, ok := e.next()
		if !ok {
			return last
		}
		last = ev
	}
}

func who(f frame) string {
	var ids []string
	for _, r := range f.Rows {
		ids = append(ids, r[0].(string))
	}
	return strings.Join(ids, " ")
}

func TestStream(t *testing.T) {
	w := watch(t, func(o *dashboard.Options) { o.Streams.Heartbeat = 50 * time.Millisecond })
	s := w.stream("viewer", "Accept-Encoding", "gzip, zstd")
	h := s.res.Header
	if h.Get("Content-Type") != "text/event-stream; charset=utf-8" || h.Get("X-Accel-Buffering") != "no" || h.Get("Content-Encoding") != "" || !strings.Contains(h.Get("Cache-Control"), "no-transform") {
		t.Errorf("headers: %v", h)
	}
	if f := s.frame(); !f.Complete || f.Prev != 0 || f.Seq != 7 || f.V != 1 || f.Company != "acme" || who(f) != "e1" || len(f.Cols) != len(f.Rows[0]) {
		t.Errorf("it begins with %+v", f)
	}
	w.move("e2", 9)
	if f := s.frame(); f.Complete || f.Prev != 7 || f.Seq != 9 || who(f) != "e2" || f.Rows[0][2] != 9.0 {
		t.Errorf("then %+v", f)
	}
	for begun := time.Now(); time.Since(begun) < 400*time.Millisecond; { // longer than a request may take to be read
		if ev, ok := s.next(); !ok || ev.name != "alive" || !strings.Contains(ev.data, `"at":"2026-`) {
			t.Fatalf("in silence: %+v, %v", ev, ok)
		}
	}
	for _, tt := range []struct {
		name, last string
		complete   bool
		people     string
	}{
		{"all seen", "9", false, ""}, {"one missed", "7", false, "e2"}, {"both missed", "0", false, "e2 e1"}, {"a number of the future", "10", true, "e2 e1"},
	} {
		if f := w.stream("manager", "Last-Event-ID", tt.last).frame(); f.Complete != tt.complete || who(f) != tt.people || f.Seq != 9 {
			t.Errorf("%s: got %+v", tt.name, f)
		}
	}
	if got := w.get(path("acme", "stream"), w.tokens["viewer"], header("Last-Event-ID", "x")); got.code != http.StatusUnprocessableEntity {
		t.Errorf("a bad Last-Event-ID: %d", got.code)
	}
	if got := w.do(http.MethodHead, path("acme", "stream"), "", header("Authorization", "Bearer "+w.tokens["viewer"])); got.code != http.StatusOK || got.body != "" {
		t.Errorf("HEAD: %d %q", got.code, got.body)
	}
}

// A reader that follows the rules has at the end what the table has, whatever
// was coalesced or lost on the way.
func TestStreamConverges(t *testing.T) {
	w := watch(t)
	s := w.stream("manager")
	state, have := map[string]float64{}, uint64(0)
	const last = 2000
	for _, person := range []string{"e1", "e2", "e3"} {
		w.move(person, 8)
	}
	go func() {
		for seq := uint64(9); seq <= last; seq++ {
			w.move(fmt.Sprintf("e%d", seq%3+1), seq)
			if seq%200 == 0 {
				time.Sleep(6 * time.Millisecond) // some windows close
			}
		}
	}()
	for have < last {
		f := s.frame()
		if f.Prev > have && !f.Complete {
			t.Fatalf("frame from %d, but %d is where the reader stands", f.Prev, have)
		}
		for _, r := range f.Rows {
			state[r[0].(string)] = r[2].(float64)
		}
		have = f.Seq
	}
	for _, p := range w.people.Positions("acme") {
		if state[p.Employee] != p.Lat {
			t.Errorf("%s is at %v, not %v", p.Employee, state[p.Employee], p.Lat)
		}
	}
}

func TestStreamOfAnIntegrator(t *testing.T) {
	w := watch(t)
	s := w.stream("narrow") // e2 only
	if f := s.frame(); len(f.Rows) != 0 || !f.Complete {
		t.Errorf("it begins with %+v", f)
	}
	w.move("e1", 8)
	time.Sleep(20 * time.Millisecond) // a window of its own
	w.move("e2", 9)
	if f := s.frame(); who(f) != "e2" || f.Seq != 9 {
		t.Errorf("got %+v", f)
	}
}

func TestStreamEnds(t *testing.T) {
	stopping := make(chan struct{})
	w := watch(t, func(o *dashboard.Options) {
		o.Now, o.Stopping = time.Now, stopping
	})
	var err error
	w.tokens["short"], err = w.ids.Issue(t.Context(), identity.Grant{Role: track.RoleViewer, Company: "acme", TTL: 2 * time.Second})
	must(t, err)
	short, revoked, stopped := w.stream("short"), w.stream("viewer"), w.stream("manager")
	if last := short.drain(); last.name != "end" || !strings.Contains(last.data, "expired") {
		t.Errorf("an expired token: %+v", last)
	}
	viewer, err := w.ids.Verify(w.tokens["viewer"])
	must(t, err)
	if _, err := w.store.RevokeTokens(t.Context(), track.TokenFilter{ID: viewer.TokenID}); err != nil {
		t.Fatal(err)
	}
	must(t, w.ids.Start(t.Context()))
	if last := revoked.drain(); last.name != "end" || !strings.Contains(last.data, "revoked") {
		t.Errorf("a revoked token: %+v", last)
	}
	close(stopping)
	if last := stopped.drain(); last.name != "end" || !strings.Contains(last.data, "stopping") {
		t.Errorf("a server that stops: %+v", last)
	}
	for _, reason := range []string{"expired", "revoked", "stopping"} {
		w.wantMetric("fieldcast_http_watchers_closed_total", "reason", reason, 1)
	}
	w.wantMetric("fieldcast_http_watchers", "kind", "stream", 0)
}

// wantMetric waits for a value: what is counted after an answer is counted soon.
func (w *watched) wantMetric(name, label, value string, want float64) {
	w.t.Helper()
	var got float64
	for begun := time.Now(); time.Since(begun) < 5*time.Second; time.Sleep(5 * time.Millisecond) {
		got = 0
		families, err := w.metrics.Gather()
		must(w.t, err)
		for _, f := range families {
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					if f.GetName() == name && l.GetName() == label && l.GetValue() == value {
						got += m.GetCounter().GetValue() + m.GetGauge().GetValue()
					}
				}
			}
		}
		if got == want {
			return
		}
	}
	w.t.Errorf("%s{%s=%s} is %v, want %v", name, label, value, got, want)
}

// Who does not read is cut off, and holds up nobody.
func TestSlowStream(t *testing.T) {
	w := watch(t, func(o *dashboard.Options) { o.Streams.Write = 100 * time.Millisecond })
	many := make([]track.Position, 5000)
	for i := range many {
		many[i] = track.Position{Fix: track.Fix{Company: "acme", Employee: fmt.Sprintf("e%d", i), RecordedAt: noon, ReceivedAt: noon, Seq: 8}, Name: strings.Repeat("x", 2000), Changed: 8}
	}
	w.people.set(8, many...)
	w.stream("viewer") // 10 MB, of which nothing is read
	w.wantMetric("fieldcast_http_watchers_closed_total", "reason", "slow", 1)
	w.people.set(9, many[0])
	if f := w.stream("manager").frame(); f.Seq != 9 {
		t.Errorf("another reader got %+v", f)
	}
}

func TestWatcherLimits(t *testing.T) {
	w := watch(t, func(o *dashboard.Options) { o.Streams.PerUser, o.Streams.PerCompany = 2, 3 })
	first := w.stream("viewer")
	w.stream("viewer")
	refused := w.get(path("acme", "stream"), w.tokens["viewer"])
	wantProblem(t, refused, http.StatusTooManyRequests, "too_many_attempts")
	if refused.header.Get("Retry-After") == "" || !strings.Contains(refused.body, "of this user") {
		t.Errorf("refused: %v %s", refused.header, refused.body)
	}
	wantProblem(t, w.get(path("acme", "positions?after=7&wait=1"), w.tokens["viewer"]), http.StatusTooManyRequests, "too_many_attempts")
	w.stream("manager")
	if got := w.get(path("acme", "stream"), w.tokens["admin"]); got.code != http.StatusTooManyRequests || !strings.Contains(got.body, "of this company") {
		t.Errorf("beyond the company's: %d %s", got.code, got.body)
	}
	_ = first.res.Body.Close()
	w.wantMetric("fieldcast_http_watchers", "kind", "stream", 2)
	w.wantMetric("fieldcast_http_watchers_closed_total", "reason", "gone", 1)
	if f := w.stream("viewer").frame(); f.Seq != 7 {
		t.Errorf("after one has gone: %+v", f)
	}
}

func TestLongPoll(t *testing.T) {
	w := watch(t)
	poll := func(query, role string) frame {
		return into[frame](t, w.get(path("acme", "positions?"+query), w.tokens[role]))
	}
	if f := poll("wait=5", "viewer"); !f.Complete || f.Seq != 7 || who(f) != "e1" {
		t.Errorf("from nothing: %+v", f)
	}
	if f := poll("after=6&wait=5", "viewer"); f.Complete || f.Prev != 6 || f.Seq != 7 || who(f) != "e1" {
		t.Errorf("something was missed: %+v", f)
	}
	if f := poll("after=99&wait=5", "viewer"); !f.Complete || f.Seq != 7 {
		t.Errorf("a number of the future: %+v", f)
	}
	begun := time.Now()
	if f := poll("after=7&wait=1", "viewer"); f.Complete || f.Rows == nil || len(f.Rows) != 0 || f.Seq != 7 || time.Since(begun) < time.Second {
		t.Errorf("nothing new: %+v after %v", f, time.Since(begun))
	}
	got := make(chan frame)
	go func() { got <- poll("after=7&wait=30", "viewer") }()
	w.wantMetric("fieldcast_http_watchers", "kind", "poll", 1)
	w.move("e2", 8)
	if f := <-got; f.Seq != 8 || f.Prev > 7 || who(f) != "e2" {
		t.Errorf("it waited for %+v", f)
	}
	for _, query := range []string{"after=x&wait=1", "after=99999999999999999999&wait=1", "after=7&wait=51", "after=7&wait=-1"} {
		wantProblem(t, w.get(path("acme", "positions?"+query), w.tokens["viewer"]), http.StatusUnprocessableEntity, "invalid")
	}
}

// A proxy that holds answers back until they are whole lets no stream through:
// a reader notices that nothing arrives, and long polls.
func TestBufferingProxy(t *testing.T) {
	w := watch(t, func(o *dashboard.Options) { o.Streams.Heartbeat = 10 * time.Millisecond })
	target, err := url.Parse(w.url)
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	proxy.ModifyResponse = func(r *http.Response) error {
		b, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		r.Body = io.NopCloser(strings.NewReader(string(b)))
		return err
	}
	proxy.ErrorHandler = func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) }
	server := httptest.NewServer(proxy)
	defer server.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // thirty heartbeats
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path("acme", "stream"), nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+w.tokens["viewer"])
	if res, err := http.DefaultClient.Do(r); err == nil {
		_ = res.Body.Close()
		t.Fatal("the proxy does not hold back: the test shows nothing")
	}
	state, have := map[string]float64{}, uint64(7)
	for seq := uint64(8); seq <= 12; seq++ {
		go w.move("e2", seq)
		for have < seq {
			res := request(t, fmt.Sprintf("%s%s?after=%d&wait=5", server.URL, path("acme", "positions"), have), w.tokens["viewer"])
			var f frame
			must(t, json.NewDecoder(res.Body).Decode(&f))
			if f.Prev > have {
				t.Fatalf("a gap: %+v", f)
			}
			have, state[who(f)] = f.Seq, f.Rows[0][2].(float64)
		}
	}
	if state["e2"] != 12 {
		t.Errorf("by long poll e2 is at %v, want 12", state["e2"])
	}
}

// Shutdown waits for answers that are under way, and does not wait for streams.
func TestShutdown(t *testing.T) {
	stopping, stop := context.WithCancel(t.Context())
	s := newSite(t, func(o *dashboard.Options) { o.Stopping = stopping.Done() })
	w := &watched{s, ""}
	server := httptest.NewServer(s.handler)
	defer server.Close()
	w.url = server.URL
	stream := w.stream("viewer")
	stream.frame()
	polled := make(chan int)
	go func() {
		res := request(t, w.url+path("acme", "positions?after=7&wait=50"), w.tokens["viewer"])
		polled <- res.StatusCode
	}()
	w.wantMetric("fieldcast_http_watchers", "kind", "poll", 1)
	stop()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	must(t, server.Config.Shutdown(ctx))
	if code := <-polled; code != http.StatusOK {
		t.Errorf("the long poll: %d", code)
	}
	if last := stream.drain(); last.name != "end" {
		t.Errorf("the stream ended with %+v", last)
	}
}
