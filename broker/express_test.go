package broker_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"fieldcast/broker"
	"fieldcast/broker/brokertest"
	"fieldcast/journal"
)

// What is taken where it arrives and what goes through mochi keeps its order,
// however the network cuts it.
func TestExpressKeepsOrder(t *testing.T) {
	b := brokertest.Start(t)
	for _, size := range []int{1, 2, 3, 7, 100, 1 << 20} {
		phone := b.Phone("acme", fmt.Sprintf("cut%d", size))
		topic := fmt.Sprintf("fc/acme/cut%d", size)
		var stream []byte
		var want []string
		for i := range 60 {
			payload := fmt.Sprintf(`{"n":%d,"pad":"%0*d"}`, i, i*7, 0)
			to := topic
			if i%5 == 3 { // the long way
				to += "/event"
			}
			stream = append(stream, phone.PublishPacket(to, []byte(payload), 1, uint16(i+1), 0)...)
			want = append(want, payload)
		}
		for part := range slices.Chunk(stream, size) {
			phone.Send(part)
		}
		for i := range 60 {
			p, err := phone.Next(patience)
			if err != nil || p.Type != brokertest.Puback || len(p.Body) != 2 || binary.BigEndian.Uint16(p.Body) != uint16(i+1) {
				t.Fatalf("in parts of %d bytes: answer %d is %+v, %v", size, i+1, p, err)
			}
		}
		var got []string
		for _, r := range b.Journal.Records(journal.Message) {
			if r.Employee == fmt.Sprintf("cut%d", size) {
				got = append(got, string(r.Payload))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("in parts of %d bytes: the journal has %q", size, got)
		}
	}
}

// Publishing keeps a connection alive, whichever way it goes [MQTT-3.1.2-22].
func TestExpressKeepsAlive(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, func(o *broker.Options) { o.Limits.KeepAliveMin = time.Second })
	phone := b.Connect(brokertest.Login{ClientID: "x", Username: "e1@acme", Password: "device:acme:e1", KeepAlive: 2})
	begun := time.Now()
	for id := uint16(1); time.Since(begun) < 5*time.Second; id++ {
		phone.Acked("fc/acme/e1", "{}", id)
		time.Sleep(time.Second) // half of the keep-alive: the thing that is tested
	}
	silent := time.Now()
	phone.Closed(10 * time.Second)
	if waited := time.Since(silent); waited < time.Second || waited > 6*time.Second {
		t.Errorf("a silent phone was cut off after %v", waited)
	}
}

// A publish that arrives while an identifier is in use for QoS 2 is mochi's to
// answer.
func TestExpressLeavesQoS2Alone(t *testing.T) {
	b := brokertest.Start(t)
	phone := b.Phone("acme", "e1")
	phone.Send(phone.PublishPacket("fc/acme/e1", []byte(`{"n":1}`), 2, 7, 0))
	if p, err := phone.Next(patience); err != nil || p.Type != brokertest.Pubrec {
		t.Fatalf("got %+v, %v", p, err)
	}
	phone.Acked("fc/acme/e1", `{"n":2}`, 8)
	phone.Send(brokertest.Frame(brokertest.Pubrel|2, []byte{0, 7}))
	if p, err := phone.Next(patience); err != nil || p.Type != brokertest.Pubcomp {
		t.Fatalf("got %+v, %v", p, err)
	}
	phone.Acked("fc/acme/e1", `{"n":3}`, 7)
	if n := len(b.Journal.Records(journal.Message)); n != 3 {
		t.Errorf("the journal has %d records", n)
	}
}
