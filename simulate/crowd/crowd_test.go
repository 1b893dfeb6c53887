package crowd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fieldcast/payload"
	"fieldcast/simulate/crowd"
	"fieldcast/track"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a server's store: what was published, each fix once.
type memory struct {
	mqtt.HookBase
	mu     sync.Mutex
	seq    uint64
	fixes  map[string][]track.Fix // by topic
	digest map[string]bool
	dups   int // publishes with DUP
	drop   func(topic string) bool
	reject func(seq uint64) bool
	errs   []string
}

func newMemory() *memory {
	return &memory{fixes: map[string][]track.Fix{}, digest: map[string]bool{}}
}

func (m *memory) ID() string { return "memory" }
func (m *memory) Provides(b byte) bool {
	return b == mqtt.OnPublish || b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck
}

// Everybody may do everything here.
func (m *memory) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }
func (m *memory) OnACLCheck(*mqtt.Client, string, bool) bool              { return true }

func (m *memory) OnPublish(_ *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seq++
	if m.reject != nil && m.reject(m.seq) {
		return pk, packets.ErrRejectPacket
	}
	if pk.FixedHeader.Dup {
		m.dups++
	}
	got := payload.Decode("", pk.Payload)
	if len(got.Problems) > 0 || len(got.Fixes) != 1 || pk.FixedHeader.Qos != 1 {
		m.errs = append(m.errs, fmt.Sprintf("%s: %q: %v", pk.TopicName, pk.Payload, got.Problems))
		return pk, nil
	}
	f := got.Fixes[0].Round()
	f.Seq = m.seq
	key := fmt.Sprint(pk.TopicName, f.Scale().Digest())
	if m.drop != nil && m.drop(pk.TopicName) || m.digest[key] {
		return pk, nil
	}
	m.digest[key] = true
	m.fixes[pk.TopicName] = append(m.fixes[pk.TopicName], f)
	return pk, nil
}

// stored is what [crowd.Ledger.CheckCompanies] asks.
func (m *memory) stored(company, employee string) ([]track.Fix, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fs := slices.Clone(m.fixes["fc/"+company+"/"+employee])
	slices.SortStableFunc(fs, func(a, b track.Fix) int { return a.RecordedAt.Compare(b.RecordedAt) })
	return fs, nil
}

// serve starts a server on addr and returns its address and what stops it.
func serve(t *testing.T, addr string, m *memory) (string, func()) {
	t.Helper()
	s := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	door := &door{Listener: l}
	for _, err := range []error{s.AddHook(m, nil), s.AddListener(listeners.NewNet("t", door)), s.Serve()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	stop := sync.OnceFunc(func() {
		// The server's own Close waits for ever for a client that connects while
		// it closes.
		door.shut()
		if err := s.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("stop the server: %v", err)
		}
	})
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

// door knows the connections that came through it.
type door struct {
	net.Listener
	mu     sync.Mutex
	conns  []net.Conn
	isShut bool
}

func (d *door) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.isShut {
		conn.Close()
	}
	d.conns = append(d.conns, conn)
	return conn, nil
}

// shut lets nobody in any more, and everybody out.
func (d *door) shut() {
	d.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.isShut = true
	for _, conn := range d.conns {
		conn.Close()
	}
}

func phones(n int) []crowd.Phone {
	var ps []crowd.Phone
	for i := range n {
		e := fmt.Sprintf("e%d", i+1)
		ps = append(ps, crowd.Phone{Company: "acme", Employee: e, Username: e + "@acme", Password: "secret", ClientID: "acme-" + e})
	}
	return ps
}

func run(t *testing.T, o crowd.Options) *crowd.Ledger {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l, err := crowd.Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(l)
	return l
}

func verdict(t *testing.T, l *crowd.Ledger, m *memory) crowd.Verdict {
	t.Helper()
	v, err := l.CheckCompanies(m.stored)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range m.errs {
		t.Error(e)
	}
	return v
}

func TestEverythingArrives(t *testing.T) {
	m := newMemory()
	addr, _ := serve(t, "127.0.0.1:0", m)
	var progress sync.Once
	reported := false
	l := run(t, crowd.Options{Addr: addr, Phones: phones(100), Rate: 1000, Duration: 1500 * time.Millisecond,
		Progress: func(p crowd.Progress) { progress.Do(func() { reported = p.Connected == 100 && p.Published > 0 }) }})
	v := verdict(t, l, m)
	if v.Err() != nil || v.Stored != 1500 || v.Acked != 1500 || v.Published != 1500 || v.Unacked != 0 {
		t.Error(v)
	}
	if l.Connects != 100 || l.Losses != 0 || l.Resent != 0 || l.StrayAcks != 0 || l.Latency.P50 <= 0 || l.Latency.Max < l.Latency.P99 {
		t.Errorf("ledger: %+v", l.Latency)
	}
	if !reported {
		t.Error("no progress was reported")
	}
	v, err := l.Check(func(e string) ([]track.Fix, error) { return m.stored("acme", e) })
	if err != nil || v.Err() != nil {
		t.Error(v, err)
	}
}

// Stop ends the publishing; what is under way is still acknowledged.
func TestStop(t *testing.T) {
	m := newMemory()
	addr, _ := serve(t, "127.0.0.1:0", m)
	stop := make(chan struct{})
	o := crowd.Options{Addr: addr, Phones: phones(10), Rate: 1000, Stop: stop, Progress: func(p crowd.Progress) {
		if p.Acked > 100 {
			select {
			case <-stop:
			default:
				close(stop)
			}
		}
	}}
	l := run(t, o)
	if l.Published <= 100 || l.Acked != l.Published {
		t.Errorf("%d published, %d acknowledged", l.Published, l.Acked)
	}
	if v := verdict(t, l, m); v.Err() != nil {
		t.Error(v)
	}
}

// Repeat writes everything so often, with DUP from the second on; Padding does
// not change what is measured.
func TestRepeatAndPadding(t *testing.T) {
	const repeat = 50
	m := newMemory()
	addr, stop := serve(t, "127.0.0.1:0", m)
	l := run(t, crowd.Options{Addr: addr, Phones: phones(5), Rate: 100, Duration: 300 * time.Millisecond, Repeat: repeat, Padding: 5000})
	stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	// The phones leave with the first acknowledgement of their last fix.
	if l.Published == 0 || l.Acked != l.Published || l.Resent != (repeat-1)*l.Published || m.dups < l.Resent/2 {
		t.Errorf("%d published, %d acknowledged, %d sent again, %d of these arrived", l.Published, l.Acked, l.Resent, m.dups)
	}
	stored := 0
	for _, fixes := range m.fixes {
		stored += len(fixes)
	}
	if stored != l.Published || len(m.errs) > 0 {
		t.Errorf("%d of %d are different ones, errors %v", stored, l.Published, m.errs)
	}
}

func TestServerRestarts(t *testing.T) {
	m := newMemory()
	addr, stop := serve(t, "127.0.0.1:0", m)
	var group sync.WaitGroup
	group.Go(func() {
		for range 2 {
			time.Sleep(500 * time.Millisecond)
			stop()
			time.Sleep(200 * time.Millisecond)
			_, stop = serve(t, addr, m)
		}
	})
	l := run(t, crowd.Options{Addr: addr, Phones: phones(200), Rate: 2000, Duration: 2 * time.Second})
	group.Wait()
	v := verdict(t, l, m)
	if v.Err() != nil || v.Acked != v.Published || v.Published != 4000 {
		t.Error(v)
	}
	if l.Losses < 200 || l.Connects < 400 {
		t.Errorf("%d connections were lost", l.Losses)
	}
}

// A server that refuses without closing: the phone connects anew and sends
// again, in order, with DUP.
func TestUnansweredPublish(t *testing.T) {
	m := newMemory()
	m.reject = func(seq uint64) bool { return seq == 3 || seq == 40 }
	addr, _ := serve(t, "127.0.0.1:0", m)
	l := run(t, crowd.Options{Addr: addr, Phones: phones(1), Rate: 100, Duration: time.Second, AckWait: 100 * time.Millisecond})
	v := verdict(t, l, m)
	if v.Lost+v.Twice+v.Foreign > 0 || v.Acked != 100 {
		t.Error(v)
	}
	if l.Losses < 1 || l.Resent < 1 || m.dups < 1 {
		t.Errorf("%d connections lost, %d sent again, %d with DUP", l.Losses, l.Resent, m.dups)
	}
}

// The phones' clocks begin where they are told to.
func TestClock(t *testing.T) {
	m := newMemory()
	addr, _ := serve(t, "127.0.0.1:0", m)
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	l := run(t, crowd.Options{Addr: addr, Phones: phones(2), Rate: 50, Duration: time.Second, Start: start})
	if v := verdict(t, l, m); v.Err() != nil || v.Stored != 50 {
		t.Error(v)
	}
	for _, p := range l.People {
		before := start.Add(-time.Millisecond)
		for _, f := range p.Fixes {
			at := time.UnixMicro(f.RecordedUS)
			if !at.After(before) || at.Sub(start) > time.Second {
				t.Fatalf("%s: %v behind %v", p.Employee, at, before)
			}
			before = at
		}
	}
}

func TestVerdict(t *testing.T) {
	m := newMemory()
	m.drop = func(topic string) bool { return topic == "fc/acme/e1" }
	addr, _ := serve(t, "127.0.0.1:0", m)
	l := run(t, crowd.Options{Addr: addr, Phones: phones(4), Rate: 400, Duration: 200 * time.Millisecond})
	m.mu.Lock()
	defer m.mu.Unlock()
	e2, e3 := m.fixes["fc/acme/e2"], m.fixes["fc/acme/e3"]
	v, err := l.Check(func(e string) ([]track.Fix, error) {
		switch e {
		case "e2": // the first again, and one that was never sent, behind all
			late := track.Fix{RecordedAt: e2[0].RecordedAt.Add(time.Hour), Seq: 1 << 40}
			return append([]track.Fix{e2[0]}, append(slices.Clone(e2), late)...), nil
		case "e3": // the sequence numbers of two neighbours changed
			fs := slices.Clone(e3)
			fs[4].Seq, fs[5].Seq = fs[5].Seq, fs[4].Seq
			return fs, nil
		}
		return m.fixes["fc/acme/"+e], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := crowd.Verdict{Published: 80, Acked: 80, Stored: 62, Lost: 20, Twice: 1, Foreign: 1, OutOfOrder: 1, Examples: v.Examples}
	if fmt.Sprint(v) != fmt.Sprint(want) || v.Err() == nil {
		t.Errorf("got %v\nwant %v", v, want)
	}
	if text := v.String(); len(v.Examples) != 5+1+1+1 || !strings.Contains(text, "lost: acme/e1") || !strings.Contains(text, "never sent: acme/e2") {
		t.Errorf("examples:\n%s", text)
	}
}

func TestCheckErrors(t *testing.T) {
	l := &crowd.Ledger{People: []crowd.Person{{Company: "a", Employee: "e1"}, {Company: "b", Employee: "e1"}}}
	if _, err := l.Check(func(string) ([]track.Fix, error) { return nil, nil }); err == nil {
		t.Error("the same name in two companies is no error")
	}
	_, err := l.CheckCompanies(func(string, string) ([]track.Fix, error) { return nil, track.ErrUnavailable })
	if err == nil || !strings.Contains(err.Error(), "e1 of a") {
		t.Errorf("error of the store: %v", err)
	}
}

// Nobody is there, at first or at all.
func TestNoServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	ledger := run(t, crowd.Options{Addr: addr, Phones: phones(3), Rate: 100, Duration: 100 * time.Millisecond,
		ConnectWait: 50 * time.Millisecond, DrainWait: 50 * time.Millisecond})
	if ledger.Published != 10 || ledger.Acked != 0 || ledger.Connects != 0 {
		t.Error(ledger)
	}
	if v, err := ledger.Check(func(string) ([]track.Fix, error) { return nil, nil }); err != nil || v.Err() != nil {
		t.Errorf("nothing was acknowledged, so nothing is lost: %v, %v", v, err)
	}
}

// answers is a server that gives a fixed answer to each connection.
func answers(t *testing.T, answer []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer conn.Close()
				conn.Write(answer)        //nolint:errcheck // a test
				io.Copy(io.Discard, conn) //nolint:errcheck // until the phone goes
			})
		}
	})
	t.Cleanup(func() { l.Close(); group.Wait() })
	return l.Addr().String()
}

func TestStrangeServers(t *testing.T) {
	for name, test := range map[string]struct {
		answer   string
		connects bool
		refused  bool
	}{
		"refuses":              {"\x20\x02\x00\x05", false, true},
		"wrong packet":         {"\x40\x02\x00\x01", false, false},
		"long length":          {"\x20\xff\xff\xff\xff\xff", false, false},
		"long connack":         {"\x20\x03\x00\x00\x00", false, false},
		"stray acks":           {"\x20\x02\x00\x00" + strings.Repeat("\x40\x02\xff\xff", 1000), true, false},
		"publishes":            {"\x20\x02\x00\x00\x30\xe8\x07" + strings.Repeat("p", 1000) + "\xd0\x00", true, false},
		"rubbish":              {"\x20\x02\x00\x00\x40\xff\xff\xff\xff\x7f", true, false},
		"silent":               {"", false, false},
		"silent after connack": {"\x20\x02\x00\x00", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := run(t, crowd.Options{Addr: answers(t, []byte(test.answer)), Phones: phones(2), Rate: 100, Duration: 200 * time.Millisecond,
				ConnectWait: 300 * time.Millisecond, DrainWait: 200 * time.Millisecond, AckWait: 100 * time.Millisecond})
			if l.Acked != 0 || l.Connects > 0 != test.connects || l.Refusals > 0 != test.refused {
				t.Errorf("%+v", l)
			}
			if test.refused && l.LastRefusal != 5 {
				t.Errorf("refusal %d", l.LastRefusal)
			}
		})
	}
}

func TestCanceled(t *testing.T) {
	m := newMemory()
	addr, _ := serve(t, "127.0.0.1:0", m)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	l, err := crowd.Run(ctx, crowd.Options{Addr: addr, Phones: phones(10), Rate: 100, Duration: time.Hour})
	if err == nil || l == nil {
		t.Fatalf("ended early: ledger %v, error %v", l, err)
	}
	if v := verdict(t, l, m); v.Err() != nil {
		t.Error(v)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	l, err = crowd.Run(ctx, crowd.Options{Addr: addr, Phones: phones(10), Rate: 100})
	if err != nil || l.Acked == 0 {
		t.Errorf("without a duration, ctx is the regular end: %v, error %v", l, err)
	}
}

func TestBadOptions(t *testing.T) {
	good := crowd.Options{Addr: "127.0.0.1:1", Phones: phones(2), Rate: 1}
	for name, spoil := range map[string]func(*crowd.Options){
		"address":   func(o *crowd.Options) { o.Addr = "" },
		"phones":    func(o *crowd.Options) { o.Phones = nil },
		"rate":      func(o *crowd.Options) { o.Rate = 0 },
		"client id": func(o *crowd.Options) { o.Phones = append(o.Phones, o.Phones[0]) },
		"keepalive": func(o *crowd.Options) { o.KeepAlive = time.Millisecond },
		"inflight":  func(o *crowd.Options) { o.Inflight = -1 },
	} {
		o := good
		spoil(&o)
		if _, err := crowd.Run(t.Context(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A crowd of the size that load tests use.
func TestThousands(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 5 s")
	}
	m := newMemory()
	addr, _ := serve(t, "127.0.0.1:0", m)
	l := run(t, crowd.Options{Addr: addr, Phones: phones(5000), Rate: 1000, Duration: 3 * time.Second})
	if v := verdict(t, l, m); v.Err() != nil || v.Stored != 3000 || l.Connects != 5000 {
		t.Error(v)
	}
}
