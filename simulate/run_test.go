package simulate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"fieldcast/simulate"
	"fieldcast/track"
)

func phones(n int) []simulate.Phone {
	out := make([]simulate.Phone, n)
	for i := range out {
		e := fmt.Sprintf("e%d", i+1)
		out[i] = simulate.Phone{
			Company: "acme", Employee: e, Username: e + "@acme", Password: "secret-" + e, ClientID: "phone-" + e,
			Track: recorded(40, i),
		}
	}
	return out
}

// recorded returns a track of n fixes, one a second.
func recorded(n, which int) []track.Fix {
	out := make([]track.Fix, n)
	for i := range out {
		out[i] = track.Fix{
			Lat: 12.97 + float64(i)*0.0001, Lon: 77.59 + float64(which)*0.01, RecordedAt: begin.Add(time.Duration(i) * time.Second),
			AccuracyM: track.Some(8.0), SpeedMPS: track.Some(4.2), BatteryPct: track.Some(80), Trigger: "t", Network: track.NetworkMobile,
		}
	}
	return out
}

// run runs to the end of the tracks.
func run(t *testing.T, o simulate.Options) simulate.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	report, err := simulate.Run(ctx, o)
	if err != nil || ctx.Err() != nil {
		t.Fatalf("Run: %v, %v, %+v", err, ctx.Err(), report)
	}
	return report
}

func noLeaks(t *testing.T) {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, ignore) })
}

func TestRunDeliversTracks(t *testing.T) {
	for _, format := range []string{simulate.FormatOwnTracks, simulate.FormatBatch, simulate.FormatMixed} {
		t.Run(format, func(t *testing.T) {
			noLeaks(t)
			b := startBroker(t)
			o := simulate.Options{Broker: b.url(), Phones: phones(3), Speedup: 100, OriginalTimes: true, Format: format}
			report := run(t, o)
			want := simulate.Report{Sent: 120, Acked: 120, Connects: 3}
			if report != want {
				t.Errorf("report %+v, want %+v", report, want)
			}
			for _, p := range o.Phones {
				got, again := b.stored("fc/acme/" + p.Employee)
				if !reflect.DeepEqual(got, scaled(p.Track)) || again != 0 {
					t.Errorf("%s: %d fixes arrived, %d again", p.Employee, len(got), again)
				}
				if !b.ids[p.ClientID] {
					t.Errorf("nobody published as %s", p.ClientID)
				}
			}
		})
	}
}

// A phone must look like OwnTracks to the broker.
func TestRunConnectsAsOwnTracks(t *testing.T) {
	noLeaks(t)
	b := startBroker(t)
	o := simulate.Options{Broker: b.url(), Phones: phones(1), Speedup: 1000}
	run(t, o)
	c := b.connects[0].Connect
	if c.ClientIdentifier != "phone-e1" || string(c.Username) != "e1@acme" || string(c.Password) != "secret-e1" || c.Clean {
		t.Errorf("CONNECT %+v", c)
	}
	if !c.WillFlag || c.WillTopic != "fc/acme/e1" || string(c.WillPayload) != `{"_type":"lwt"}` || c.WillRetain || c.WillQos != 0 {
		t.Errorf("will of %+v", c)
	}
	if b.connects[0].ProtocolVersion != 4 {
		t.Errorf("protocol version %d", b.connects[0].ProtocolVersion)
	}
	if !reflect.DeepEqual(b.subs, []string{"fc/acme/e1/cmd"}) {
		t.Errorf("subscribed to %v", b.subs)
	}
	if len(b.wills) != 0 {
		t.Errorf("a phone that says goodbye left its will: %v", b.wills)
	}
}

func TestRunAsIfNow(t *testing.T) {
	b := startBroker(t)
	before := time.Now().Add(-time.Second)
	run(t, simulate.Options{Broker: b.url(), Phones: phones(1), Speedup: 100})
	got, _ := b.stored("fc/acme/e1")
	first, last := time.UnixMicro(got[0].RecordedUS), time.UnixMicro(got[len(got)-1].RecordedUS)
	if first.Before(before) || last.After(time.Now().Add(time.Second)) || last.Sub(first) != 390*time.Millisecond {
		t.Errorf("dated %v to %v", first, last)
	}
}

// Whatever the broker does to the connections, every fix arrives, in order.
func TestRunSurvivesBrokenConnections(t *testing.T) {
	for name, spoil := range map[string]func(n int) fate{
		"hangs up":                      func(n int) fate { return map[bool]fate{true: hangUp}[n%7 == 3] },
		"takes it, but does not say so": func(n int) fate { return map[bool]fate{true: deafen}[n%9 == 5] },
	} {
		for _, format := range []string{simulate.FormatOwnTracks, simulate.FormatMixed} {
			t.Run(name+" "+format, func(t *testing.T) {
				noLeaks(t)
				b := startBroker(t)
				b.spoil = spoil
				o := simulate.Options{
					Broker: b.url(), Phones: phones(2), Speedup: 1000, OriginalTimes: true, Retry: 10 * time.Millisecond, Format: format,
				}
				report := run(t, o)
				if report.Acked != 80 || report.Sent != 80 || report.Pending != 0 || report.Failures == 0 || report.Resent == 0 {
					t.Errorf("report %+v", report)
				}
				for _, p := range o.Phones {
					if got, _ := b.stored("fc/acme/" + p.Employee); !reflect.DeepEqual(got, scaled(p.Track)) {
						t.Errorf("%s: %d fixes arrived, or not in order", p.Employee, len(got))
					}
				}
			})
		}
	}
}

func TestRunSurvivesRestart(t *testing.T) {
	noLeaks(t)
	b := startBroker(t)
	o := simulate.Options{Broker: b.url(), Phones: phones(2), Speedup: 20, OriginalTimes: true, Retry: 20 * time.Millisecond}
	var restart sync.WaitGroup
	restart.Go(func() {
		eventually(t, "a third of the track has arrived", func() bool { got, _ := b.stored("fc/acme/e1"); return len(got) > 13 })
		addr := b.addr
		b.stop(t)
		b.start(t, addr)
	})
	report := run(t, o)
	restart.Wait()
	if report.Acked != 80 || report.Connects < 3 {
		t.Errorf("report %+v", report)
	}
	for _, p := range o.Phones {
		if got, _ := b.stored("fc/acme/" + p.Employee); !reflect.DeepEqual(got, scaled(p.Track)) {
			t.Errorf("%s: %d fixes arrived, or not in order", p.Employee, len(got))
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	noLeaks(t)
	b := startBroker(t)
	b.spoil = func(int) fate { return discard } // as a broker whose disk is full
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		eventually(t, "both phones publish", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.ids) == 2 })
		cancel()
	}()
	o := simulate.Options{Broker: b.url(), Phones: phones(2), Speedup: 1000}
	o.Phones[1].Track = nil // walks
	report, err := simulate.Run(ctx, o)
	if err != nil || report.Acked != 0 || report.Pending == 0 || report.Sent < 2 {
		t.Errorf("report %+v, %v", report, err)
	}
}

func TestRunKeepsTryingWhenRefused(t *testing.T) {
	noLeaks(t)
	b := startBroker(t)
	b.refuse = true
	go func() {
		eventually(t, "some attempts", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.refused > 2 })
		b.mu.Lock()
		defer b.mu.Unlock()
		b.refuse = false
	}()
	report := run(t, simulate.Options{Broker: b.url(), Phones: phones(1), Speedup: 1000, Retry: 10 * time.Millisecond})
	if report.Acked != 40 || report.Failures < 3 {
		t.Errorf("report %+v", report)
	}
}

// Walking phones lose coverage, collect a backlog and deliver it in order,
// marked as queued; the broker sees the connection break, not a goodbye.
func TestRunSpellsWithoutCoverage(t *testing.T) {
	noLeaks(t)
	b := startBroker(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var report simulate.Report
	var err error
	var running sync.WaitGroup
	o := simulate.Options{
		Broker: b.url(), Phones: phones(4), Interval: 10 * time.Second, Speedup: 500, OfflineEvery: 3 * time.Minute,
		Seed: 5, Retry: 10 * time.Millisecond, Format: simulate.FormatMixed,
	}
	for i := range o.Phones {
		o.Phones[i].Track = nil
	}
	running.Go(func() { report, err = simulate.Run(ctx, o) })
	queued := func() (n, batches int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, sets := range b.fixes {
			for _, set := range sets {
				for _, f := range set.fixes {
					if f.Network == track.NetworkOffline {
						n++
					}
				}
				if len(set.fixes) > 1 {
					batches++
				}
			}
		}
		return n, batches
	}
	eventually(t, "backlogs have arrived as batches", func() bool { n, batches := queued(); return n > 30 && batches > 1 })
	cancel()
	running.Wait()
	b.mu.Lock()
	wills := len(b.wills)
	b.mu.Unlock()
	if err != nil || report.OfflineSpells == 0 || wills == 0 || report.Connects <= 4 {
		t.Errorf("report %+v, %v; %d wills", report, err, wills)
	}
	for _, p := range o.Phones {
		got, _ := b.stored("fc/acme/" + p.Employee)
		for i := 1; i < len(got); i++ {
			if got[i].RecordedUS < got[i-1].RecordedUS {
				t.Fatalf("%s: fix %d came out of order", p.Employee, i)
			}
		}
	}
}

func TestRunDeliversHistory(t *testing.T) {
	noLeaks(t)
	b := startBroker(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := simulate.Options{Broker: b.url(), Phones: phones(1), Interval: time.Second, History: time.Hour, Format: simulate.FormatMixed}
	o.Phones[0].Track = nil
	var running sync.WaitGroup
	running.Go(func() {
		if _, err := simulate.Run(ctx, o); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "an hour and a fix of now", func() bool { got, _ := b.stored("fc/acme/e1"); return len(got) > 120 })
	cancel()
	running.Wait()
	got, _ := b.stored("fc/acme/e1")
	age := time.Since(time.UnixMicro(got[0].RecordedUS))
	if age < time.Hour-time.Second || age > time.Hour+time.Minute { // phones send whole seconds
		t.Errorf("the oldest is of %v ago", age)
	}
	for i := 1; i < len(got); i++ {
		if step := got[i].RecordedUS - got[i-1].RecordedUS; step < 0 || step > 31e6 {
			t.Errorf("fix %d comes %d µs after the one before", i, step)
		}
	}
}

func TestRunAnswersCommands(t *testing.T) {
	noLeaks(t)
	b := startBroker(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := simulate.Options{Broker: b.url(), Phones: phones(1), Interval: time.Hour, Speedup: 3600} // a fix each second
	o.Phones[0].Track = nil
	var running sync.WaitGroup
	running.Go(func() {
		if _, err := simulate.Run(ctx, o); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the phone listens", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.subs) > 0 })
	for _, cmd := range []string{`{"_type":"cmd","action":"dump"}`, `not JSON`, `{"_type":"cmd","action":"reportLocation"}`} {
		if err := b.server.Publish("fc/acme/e1/cmd", []byte(cmd), false, 1); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the phone answers", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, set := range b.fixes["fc/acme/e1"] {
			if len(set.fixes) == 1 && set.fixes[0].Trigger == "r" {
				return true
			}
		}
		return false
	})
	cancel()
	running.Wait()
}

func TestRunByWebSocket(t *testing.T) {
	b := startBroker(t)
	var path, protocol string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"mqtt"}})
		if err != nil {
			return // the phone sees it
		}
		path, protocol = r.URL.Path, c.Subprotocol()
		near := websocket.NetConn(r.Context(), c, websocket.MessageBinary)
		far, err := net.Dial("tcp", b.addr)
		if err != nil {
			t.Error(err)
			return
		}
		var up sync.WaitGroup
		up.Go(func() {
			_, _ = io.Copy(far, near) // ends when either side closes
			_ = far.Close()
		})
		_, _ = io.Copy(near, far)
		_ = near.Close()
		up.Wait()
	}))
	defer web.Close()
	report := run(t, simulate.Options{Broker: "ws" + web.URL[len("http"):] + "/mqtt", Phones: phones(1), Speedup: 1000})
	if report.Acked != 40 || path != "/mqtt" || protocol != "mqtt" {
		t.Errorf("report %+v, path %q, protocol %q", report, path, protocol)
	}
}

func TestRunRefusesOptions(t *testing.T) {
	for name, o := range map[string]simulate.Options{
		"no broker":    {},
		"other scheme": {Broker: "http://127.0.0.1:1"},
		"no host":      {Broker: "tcp://"},
		"format":       {Broker: "tcp://127.0.0.1:1", Format: "xml"},
		"interval":     {Broker: "tcp://127.0.0.1:1", Interval: -1},
		"center":       {Broker: "tcp://127.0.0.1:1", Center: simulate.Place{Lat: 89}},
		"company":      {Broker: "tcp://127.0.0.1:1", Phones: []simulate.Phone{{Company: "A", Employee: "e"}}},
		"employee":     {Broker: "tcp://127.0.0.1:1", Phones: []simulate.Phone{{Company: "a", Employee: "+"}}},
	} {
		if _, err := simulate.Run(t.Context(), o); !errors.Is(err, track.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if report, err := simulate.Run(t.Context(), simulate.Options{Broker: "tcp://127.0.0.1:1"}); err != nil || report != (simulate.Report{}) {
		t.Errorf("no phones: got %+v, %v", report, err)
	}
}

func TestRunMetrics(t *testing.T) {
	b := startBroker(t)
	registry := prometheus.NewRegistry()
	run(t, simulate.Options{Broker: b.url(), Phones: phones(1), Speedup: 1000, Registerer: registry})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		got[f.GetName()] = f.GetMetric()[0].GetCounter().GetValue()
	}
	if got["fieldcast_simulate_fixes_sent_total"] != 40 || got["fieldcast_simulate_fixes_acked_total"] != 40 || len(got) != 8 {
		t.Errorf("got %v", got)
	}
}
