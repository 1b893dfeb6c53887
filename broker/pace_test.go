package broker_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"fieldcast/broker"
	"fieldcast/broker/brokertest"
	"fieldcast/journal"
)

// A phone that publishes faster than it may is held up, and loses nothing;
// others are not held up.
func TestPublishRate(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) {
		o.Limits.PublishesPerSecond, o.Limits.PublishBurst = 50, 10
	})
	fast, slow := b.Phone("acme", "fast"), b.Phone("acme", "slow")
	const n = 40
	begun := time.Now()
	for id := range uint16(n) {
		fast.Send(fast.PublishPacket("fc/acme/fast", []byte("{}"), 1, id+1, 0))
	}
	slow.Acked("fc/acme/slow", "{}", 1)
	if took := time.Since(begun); took > 300*time.Millisecond {
		t.Errorf("another phone waited %v", took)
	}
	for range n {
		if p, err := fast.Next(5 * time.Second); err != nil || p.Type != brokertest.Puback {
			t.Fatalf("got %+v, %v", p, err)
		}
	}
	if took := time.Since(begun); took < 500*time.Millisecond {
		t.Errorf("30 beyond the burst of 10 at 50/s took only %v", took)
	}
	if got := len(b.Journal.Records(journal.Message)); got != n+1 {
		t.Errorf("%d are in the journal, want %d", got, n+1)
	}
	if got := b.Metric("fieldcast_mqtt_publish_delayed_seconds_total"); got < 0.4 {
		t.Errorf("%v s were counted", got)
	}
}

// One that goes on for too long is disconnected without an acknowledgement,
// and told why; to connect again gives no new burst, and it may go on.
func TestPublishPatience(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) {
		o.Limits.PublishesPerSecond, o.Limits.PublishBurst, o.Limits.PublishPatience = 20, 5, 300*time.Millisecond
	})
	login := brokertest.Login{Version: 5, ClientID: "x", Username: "u", Password: "device:acme:e1"}
	acked := 0
	flood := func() []brokertest.Packet {
		c := b.Connect(login)
		for id := range uint16(50) {
			c.Send(c.PublishPacket("fc/acme/e1", []byte("{}"), 1, id+1, 0))
		}
		packets := c.Closed(10 * time.Second)
		acked += len(packets) - 1
		return packets
	}
	packets := flood()
	wantBye(t, 5, packets[len(packets)-1:], 0x96)
	if len(packets) > 20 {
		t.Errorf("%d acknowledgements before it was disconnected", len(packets)-1)
	}
	if packets = flood(); len(packets) > 15 {
		t.Errorf("%d acknowledgements after it came back: a new burst", len(packets)-1)
	}
	if got := len(b.Journal.Records(journal.Message)); got != acked {
		t.Errorf("%d are in the journal, %d were acknowledged", got, acked)
	}
	brokertest.Eventually(t, "it is counted", func() bool { return b.Metric("fieldcast_mqtt_closed_total", "publish_rate") == 2 })
	b.Connect(login).Acked("fc/acme/e1", "{}", 1)
}

// One company cannot take all connections; a phone that comes back under its
// client id is not one more.
func TestConnectionsPerCompany(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) { o.Limits.ConnectionsPerCompany = 3 })
	var last *brokertest.Client
	for i := range 3 {
		last = b.Phone("acme", fmt.Sprintf("e%d", i))
	}
	for version, want := range map[byte]byte{4: 3, 5: 0x97} {
		l := brokertest.Login{Version: version, ClientID: "x", Username: "u", Password: "device:acme:e9"}
		if got := brokertest.Dial(t, b.Addr).Login(l); got != want {
			t.Errorf("MQTT %d: a fourth is answered 0x%02x, want 0x%02x", version, got, want)
		}
	}
	if got := b.Metric("fieldcast_auth_failures_total", "company_connections"); got != 2 {
		t.Errorf("%v were counted", got)
	}
	b.Phone("other", "e1")
	b.Phone("acme", "e1") // takes over
	_ = last.Conn.Close()
	brokertest.Eventually(t, "there is room again", func() bool {
		return brokertest.Dial(t, b.Addr).Login(brokertest.Login{ClientID: "x", Username: "u", Password: "device:acme:e9"}) == 0
	})
}

// Who comes faster than the accept rate waits for a moment; a web socket that
// would have to wait for too long is told to come later.
func TestAcceptRate(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) {
		o.Limits.AcceptsPerSecond, o.Limits.ConnectTimeout = 20, 500*time.Millisecond
	})
	begun := time.Now()
	for i := range 30 {
		b.Phone("acme", fmt.Sprintf("e%d", i))
	}
	if took := time.Since(begun); took < 400*time.Millisecond {
		t.Errorf("30 connections at 20/s with a burst of 20 took %v", took)
	}
	if got := b.Metric("fieldcast_mqtt_accept_delayed_seconds_total"); got <= 0 {
		t.Error("no delay was counted")
	}
	if _, _, err := dialWebSocket(t, b, ""); err != nil {
		t.Errorf("a web socket that waits: %v", err)
	}
	refused := make(chan bool, 40)
	for range cap(refused) {
		go func() {
			_, resp, err := dialWebSocket(t, b, "")
			refused <- err != nil && resp != nil && resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != ""
		}()
	}
	n := 0
	for range cap(refused) {
		if <-refused {
			n++
		}
	}
	if n == 0 || n == cap(refused) {
		t.Errorf("%d of %d web sockets at once were refused", n, cap(refused))
	}
	brokertest.Eventually(t, "they are counted", func() bool { return b.Metric("fieldcast_mqtt_refused_total", "accept_rate") == float64(n) })
}

// One address that connects without end does not take the others' turn.
func TestAcceptRateOfAddress(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) { o.Limits.AcceptsPerAddress = 5 })
	in := 0
	for i := range 20 {
		l := brokertest.Login{ClientID: "x", Username: "u", Password: fmt.Sprintf("device:acme:e%d", i)}
		if brokertest.Dial(t, b.Addr).Login(l) == 0 {
			in++
		}
	}
	if in < 5 || in > 15 {
		t.Errorf("%d came in", in)
	}
	brokertest.Eventually(t, "the others are counted", func() bool {
		return b.Metric("fieldcast_mqtt_refused_total", "connect_rate_of_address") == float64(20-in)
	})
}
