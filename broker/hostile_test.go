package broker_test

import (
	"fmt"
	"math"
	"net"
	"sync"
	"testing"
	"time"

	"fieldcast/broker"
	"fieldcast/broker/brokertest"
)

// patience is how long a phone waits for an acknowledgement: much longer than
// it takes on a machine that does many other things, and no keep-alive.
const patience = 15 * time.Second

// good runs phones that publish until stop, and each must get its PUBACKs.
func good(b *brokertest.Broker, n int) (stop func()) {
	b.TB.Helper()
	done := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		employee := fmt.Sprintf("good%d", i)
		c := b.Phone("acme", employee)
		wg.Go(func() {
			for id := uint16(1); ; id++ {
				select {
				case <-done:
					return
				default:
				}
				c.Send(c.PublishPacket("fc/acme/"+employee, []byte(`{"_type":"location"}`), 1, max(id, 1), 0))
				if p, err := c.Next(patience); err != nil || p.Type != brokertest.Puback {
					b.TB.Errorf("%s: no PUBACK: %+v, %v", employee, p, err)
					return
				}
			}
		})
	}
	return func() {
		close(done)
		wg.Wait()
	}
}

// One hostile client at a time, while good phones publish.
func TestHostileClients(t *testing.T) {
	quick := func(o *broker.Options) {
		o.Limits.ConnectTimeout = 500 * time.Millisecond
		o.Limits.StallTimeout = time.Second
	}
	for _, tt := range []struct {
		name   string
		attack func(t *testing.T, b *brokertest.Broker)
	}{
		{"idle connections and half CONNECTs", func(t *testing.T, b *brokertest.Broker) {
			var all []*brokertest.Client
			packet := brokertest.Login{ClientID: "x", Username: "u", Password: "device:acme:e1"}.Encode()
			for i := range 100 {
				c := brokertest.Dial(t, b.Addr)
				c.Send(packet[:i%len(packet)])
				all = append(all, c)
			}
			for _, c := range all {
				c.Closed(5 * time.Second)
			}
		}},
		{"a CONNECT at one byte a time", func(t *testing.T, b *brokertest.Broker) {
			c := brokertest.Dial(t, b.Addr)
			for _, x := range (brokertest.Login{ClientID: "x", Username: "u", Password: "device:acme:e1"}).Encode() {
				if _, err := c.Conn.Write([]byte{x}); err != nil {
					return // closed at the deadline
				}
				time.Sleep(30 * time.Millisecond) // that is the attack
			}
			t.Error("a CONNECT may take longer than its time")
		}},
		{"500 claims of 268 MB", func(t *testing.T, b *brokertest.Broker) {
			var all []*brokertest.Client
			for range 500 {
				c := brokertest.Dial(t, b.Addr)
				c.Send([]byte{brokertest.Connect, 0xff, 0xff, 0xff, 0x7f})
				all = append(all, c)
			}
			for _, c := range all {
				c.Closed(patience)
			}
			brokertest.Eventually(t, "they are counted", func() bool { return b.Metric("fieldcast_mqtt_refused_total", "connect_too_large") == 500 })
		}},
		{"a SUBSCRIBE of 2 MB", func(t *testing.T, b *brokertest.Broker) {
			c := b.Phone("acme", "e1")
			c.Send([]byte{brokertest.Subscribe | 2, 0x80, 0x80, 0x80, 0x01, 0, 1})
			c.Closed(5 * time.Second)
			brokertest.Eventually(t, "it is counted", func() bool { return b.Metric("fieldcast_mqtt_closed_total", "packet_too_large") == 1 })
		}},
		{"SUBSCRIBE of MQTT 5 without its options", func(t *testing.T, b *brokertest.Broker) {
			c := b.Connect(brokertest.Login{Version: 5, ClientID: "x", Username: "u", Password: "manager:acme:m"})
			c.Send([]byte{brokertest.Subscribe | 2, 6, 0, 1, 0, 0, 1, 'a'})
			c.Closed(5 * time.Second)
			brokertest.Eventually(t, "the panic is counted", func() bool { return b.Metric("fieldcast_mqtt_panics_total") == 1 })
			if err := b.Connect(brokertest.Login{Version: 5, ClientID: "x", Username: "u", Password: "manager:acme:m"}).Ping(); err != nil {
				t.Errorf("the same client cannot come back: %v", err)
			}
		}},
		{"a stalled subscriber with QoS 1", func(t *testing.T, b *brokertest.Broker) {
			c := b.As("manager", "acme")
			c.Subscribe("#", 1)
			sender := b.Phone("acme", "e1")
			for id := range uint16(400) {
				sender.Send(sender.PublishPacket("fc/acme/e1", make([]byte, 40_000), 1, id+1, 0))
				if p, err := sender.Next(patience); err != nil || p.Type != brokertest.Puback {
					t.Fatalf("message %d: no PUBACK: %+v, %v", id, p, err)
				}
			}
			brokertest.Eventually(t, "the slow consumer is cut off", func() bool {
				return b.Metric("fieldcast_slow_consumer_closed_total") > 0 && b.Metric("fieldcast_mqtt_connections", "manager") == 0
			})
		}},
		{"take-overs in a loop", func(t *testing.T, b *brokertest.Broker) {
			for range 300 {
				c := brokertest.Dial(t, b.Addr)
				c.Send(brokertest.Login{ClientID: "x", Username: "u", Password: "device:acme:e1", Persistent: true}.Encode())
			}
			brokertest.Eventually(t, "one is left, beside the good ones", func() bool { return b.Metric("fieldcast_mqtt_connections", "device") == 6 })
		}},
		{"QoS 2 without PUBREL", func(t *testing.T, b *brokertest.Broker) {
			c := b.Phone("acme", "e1")
			var sent int
			for id := 1; id <= math.MaxUint16; id++ {
				c.Send(c.PublishPacket("fc/acme/e1", []byte("{}"), 2, uint16(id), 0))
				if _, err := c.Next(3 * time.Second); err != nil {
					break
				}
				sent++
			}
			if sent > 1100 {
				t.Errorf("%d half-finished messages were taken", sent)
			}
		}},
		{"keep-alives", func(t *testing.T, b *brokertest.Broker) {
			for _, version := range []byte{4, 5} {
				for _, keepAlive := range []uint16{0, 1, 43691, 65535} {
					c := b.Connect(brokertest.Login{Version: version, ClientID: "k", Username: "u", Password: "device:acme:e1", KeepAlive: keepAlive})
					if err := c.Ping(); err != nil {
						t.Errorf("MQTT %d, keep-alive %d: %v", version, keepAlive, err)
					}
				}
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := brokertest.Start(t, quick)
			stop := good(b, 5)
			tt.attack(t, b)
			stop()
		})
	}
}

// Past the bound of half-open connections, the oldest of them goes, and phones
// still get in.
func TestHalfOpenFlood(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) { o.Limits.HalfOpen = 20 })
	var idle []net.Conn
	for range 100 {
		idle = append(idle, brokertest.Dial(t, b.Addr).Conn)
		if len(idle)%10 == 0 {
			if err := b.Phone("acme", "e1").Ping(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := b.Metric("fieldcast_mqtt_refused_total", "half_open"); got < 50 {
		t.Errorf("%v were pushed out", got)
	}
}

// Every packet, cut at every byte and with every bit of its beginning flipped,
// leaves the broker alive and others served.
func TestMangledPackets(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) { o.Limits.ConnectTimeout = 5 * time.Second })
	witness := b.Phone("acme", "witness")
	for _, version := range []byte{4, 5} {
		for name, packet := range brokertest.Packets(version, "device:acme:e1") {
			for _, mangled := range brokertest.Mangle(packet) {
				c := brokertest.Dial(t, b.Addr)
				if name != "CONNECT" {
					c.Login(brokertest.Login{Version: version, ClientID: "m", Username: "u", Password: "device:acme:e1"})
				}
				c.Send(mangled)
				_ = c.Conn.(*net.TCPConn).CloseWrite() // that was all
				c.Closed(5 * time.Second)
			}
			if err := witness.Ping(); err != nil {
				t.Fatalf("after mangled %s of MQTT %d: %v", name, version, err)
			}
		}
	}
	brokertest.Eventually(t, "all have gone but the witness", func() bool { return b.Metric("fieldcast_mqtt_connections") == 1 })
}
