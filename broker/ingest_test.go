package broker_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"fieldcast/broker/brokertest"
	"fieldcast/journal"
	"fieldcast/track"
)

// An acknowledgement comes after the journal has the message, and not before.
func TestAckAfterAppend(t *testing.T) {
	b := brokertest.Start(t)
	phone, other := b.Phone("acme", "e1"), b.Phone("acme", "e2")
	release := b.Journal.Hold()
	phone.Send(phone.PublishPacket("fc/acme/e1", []byte("{}"), 1, 7, 0))
	if p, err := phone.Next(300 * time.Millisecond); err == nil {
		t.Fatalf("before the append: got %+v", p)
	}
	if err := other.Ping(); err != nil {
		t.Errorf("another phone has to wait: %v", err)
	}
	release()
	p, err := phone.Next(5 * time.Second)
	if err != nil || p.Type != brokertest.Puback || binary.BigEndian.Uint16(p.Body) != 7 {
		t.Errorf("after the append: got %+v, %v, want PUBACK 7", p, err)
	}
}

// When the journal takes nothing there is no acknowledgement, and no
// connection on which the phone could wait for one.
func TestNoAckWithoutJournal(t *testing.T) {
	b := brokertest.Start(t)
	for _, version := range []byte{3, 4, 5} {
		phone := b.Connect(brokertest.Login{Version: version, ClientID: "x", Username: "e1@acme", Password: "device:acme:e1"})
		b.Journal.Fail(journal.ErrFull)
		phone.Send(phone.PublishPacket("fc/acme/e1", []byte("{}"), 1, 7, 0))
		for _, p := range phone.Closed(5 * time.Second) {
			if p.Type == brokertest.Puback {
				t.Errorf("MQTT %d: acknowledged without a journal", version)
			}
		}
		b.Journal.Fail(nil)
	}
	if len(b.Journal.Records(journal.Message)) != 0 {
		t.Error("there is a record")
	}
	if b.Metric("fieldcast_mqtt_dropped_total", "journal") != 3 {
		t.Error("not counted")
	}
}

// What each publish is answered with, and what the journal keeps of it.
func TestAnswers(t *testing.T) {
	large := strings.Repeat("x", 300_000)
	for _, tt := range []struct {
		name, password, topic, payload string
		code5                          byte   // reason code of MQTT 5; 0: plain
		rejected                       string // of the record; "none": no record
		kept                           int    // bytes of the payload in the record
	}{
		{"a location", "device:acme:e1", "fc/acme/e1", `{"_type":"location"}`, 0, "", 20},
		{"another message", "device:acme:e1", "fc/acme/e1/event", "{}", 0, "", 2},
		{"nothing", "device:acme:e1", "fc/acme/e1", "", 0, "", 0},
		{"junk", "device:acme:e1", "fc/acme/e1", "junk", 0x99, "", 4},
		{"too large", "device:acme:e1", "fc/acme/e1", large, 0x99, "too_large", track.MaxRejectedPayload},
		{"a colleague's topic", "device:acme:e1", "fc/acme/e2", "{}", 0x87, "bad_topic", 2},
		{"another company's topic", "device:acme:e1", "fc/other/e1", "{}", 0x87, "bad_topic", 2},
		{"the server's topic", "device:acme:e1", "fc/acme/e1/last", "{}", 0x87, "bad_topic", 2},
		{"a topic of the broker", "device:acme:e1", "$SYS/broker/uptime", "{}", 0x87, "bad_topic", 2},
		{"a share", "device:acme:e1", "$share/g/fc/acme/e1", "{}", 0x87, "bad_topic", 2},
		{"32,000 levels", "device:acme:e1", strings.Repeat("/", 32000), "{}", 0x87, "bad_topic", 2},
		{"a manager", "manager:acme:m", "fc/acme/e1", "{}", 0x87, "none", 0},
		{"an operator", "operator::op", "fc/acme/e1/cmd", "{}", 0x87, "none", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := brokertest.Start(t)
			for _, version := range []byte{3, 4, 5} {
				c := b.Connect(brokertest.Login{Version: version, ClientID: "x", Username: "u", Password: tt.password})
				for _, qos := range []byte{0, 1, 2} {
					p, err := c.Publish(tt.topic, []byte(tt.payload), qos, 5+uint16(qos))
					wantType, wantCode := byte(brokertest.Puback), byte(0)
					if version == 5 && qos == 1 {
						wantCode = tt.code5
					}
					if qos == 2 {
						wantType = brokertest.Pubrec
						c.Send([]byte{brokertest.Pubrel | 2, 2, 0, 7})
					}
					if qos > 0 && (err != nil || p.Type != wantType || p.Code() != wantCode) {
						t.Errorf("MQTT %d, QoS %d: got %+v, %v, want type 0x%02x code 0x%02x", version, qos, p, err, wantType, wantCode)
					}
					if qos == 2 {
						if p, err := c.Next(5 * time.Second); err != nil || p.Type != brokertest.Pubcomp {
							t.Errorf("PUBREL: got %+v, %v", p, err)
						}
					}
				}
				if err := c.Ping(); err != nil {
					t.Errorf("MQTT %d: the connection does not go on: %v", version, err)
				}
			}
			records := b.Journal.Records(journal.Message)
			if tt.rejected == "none" {
				if len(records) != 0 {
					t.Errorf("got %d records of somebody who is no phone", len(records))
				}
				return
			}
			if len(records) != 9 {
				t.Fatalf("got %d records, want one for each of 9 publishes", len(records))
			}
			for _, r := range records {
				if r.Company != "acme" || r.Employee != "e1" || r.Rejected != tt.rejected || r.Size != len(tt.payload) || len(r.Payload) != tt.kept || len(r.Topic) > track.MaxTopicBytes {
					t.Errorf("got %s/%s rejected %q, %d of %d bytes, topic %.40s", r.Company, r.Employee, r.Rejected, len(r.Payload), r.Size, r.Topic)
				}
			}
		})
	}
}

// A phone's message reaches who may see it, once it is in the journal, and
// never as a retained one.
func TestRouting(t *testing.T) {
	b := brokertest.Start(t)
	manager, viewer, stranger := b.As("manager", "acme"), b.As("viewer", "acme"), b.As("manager", "other")
	for _, c := range []*brokertest.Client{manager, viewer, stranger} {
		c.Subscribe("#", 1)
	}
	phone := b.Phone("acme", "e1")
	phone.Send(phone.PublishPacket("fc/acme/e1", []byte("{}"), 1, 1, 1)) // with the retain flag
	if p, err := phone.Next(5 * time.Second); err != nil || p.Type != brokertest.Puback {
		t.Fatalf("got %+v, %v", p, err)
	}
	m, err := manager.Receive(5 * time.Second)
	if err != nil || m.Topic != "fc/acme/e1" || m.Retain || m.QoS != 1 {
		t.Errorf("manager: got %+v, %v", m, err)
	}
	for name, c := range map[string]*brokertest.Client{"viewer": viewer, "another company": stranger} {
		if err := c.Ping(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	late := b.Connect(brokertest.Login{ClientID: "late", Username: "x", Password: "manager:acme:late"})
	late.Subscribe("fc/acme/e1", 1)
	if err := late.Ping(); err != nil {
		t.Errorf("the message was retained: %v", err)
	}
}

// MQTT 5 topic aliases, as OwnTracks on iOS uses them: only if CONNACK says how
// many there may be.
func TestTopicAlias(t *testing.T) {
	b := brokertest.Start(t)
	c := brokertest.Dial(t, b.Addr)
	c.Version = 5
	c.Send(brokertest.Login{Version: 5, ClientID: "x", Username: "u", Password: "device:acme:e1"}.Encode())
	connack, err := c.Next(5 * time.Second)
	if err != nil || !bytes.Contains(connack.Body, []byte{0x22, 0, 10}) { // Topic Alias Maximum [MQTT-3.2.2.3.8]
		t.Fatalf("CONNACK %x, %v: no topic alias maximum of 10", connack.Body, err)
	}
	for i, topic := range []string{"fc/acme/e1", ""} {
		body := append([]byte{0, byte(len(topic))}, topic...)
		body = append(body, 0, byte(i+1), 3, 0x23, 0, 1, '{', '}')
		c.Send(brokertest.Frame(brokertest.Publish|2, body))
		if p, err := c.Next(5 * time.Second); err != nil || p.Type != brokertest.Puback || p.Code() != 0 {
			t.Fatalf("publish %d: got %+v, %v", i, p, err)
		}
	}
	for _, r := range b.Journal.Records(journal.Message) {
		if r.Topic != "fc/acme/e1" || r.Rejected != "" || !bytes.Equal(r.Payload, []byte("{}")) {
			t.Errorf("got %+v", r)
		}
	}
}

// A message beyond any limit must not hold up what a phone has to say for ever:
// it is answered, and its beginning kept.
func TestOversize(t *testing.T) {
	b := brokertest.Start(t)
	const size = 5 << 20
	for version, code := range map[byte]byte{3: 0, 4: 0, 5: 0x99} {
		c := b.Connect(brokertest.Login{Version: version, ClientID: "x", Username: "u", Password: "device:acme:e1"})
		c.Acked("fc/acme/e1", "{}", 1)
		p, err := c.Publish("fc/acme/e1", bytes.Repeat([]byte("x"), size), 1, 2)
		if err != nil || p.Type != brokertest.Puback || p.Code() != code {
			t.Fatalf("MQTT %d: got %+v, %v", version, p, err)
		}
		c.Acked("fc/acme/e1", "{}", 3)
	}
	rejected := 0
	for _, r := range b.Journal.Records(journal.Message) {
		if r.Rejected == "" {
			continue
		}
		rejected++
		if r.Rejected != "too_large" || r.Size != size || len(r.Payload) != track.MaxRejectedPayload || r.Topic != "fc/acme/e1" {
			t.Errorf("got %s, %d of %d bytes, topic %s", r.Rejected, len(r.Payload), r.Size, r.Topic)
		}
	}
	if rejected != 3 {
		t.Errorf("%d were rejected, want 3", rejected)
	}
}

// A message of MQTT 5 that cannot be read is answered with why.
func TestReasonString(t *testing.T) {
	b := brokertest.Start(t)
	c := b.Connect(brokertest.Login{Version: 5, ClientID: "x", Username: "u", Password: "device:acme:e1"})
	p, err := c.Publish("fc/acme/e1", []byte("junk"), 1, 1)
	if err != nil || p.Code() != 0x99 || !bytes.Contains(p.Body, []byte("this is junk")) {
		t.Errorf("got %+v, %v", p, err)
	}
}

// A write error of the journal that is none of its own is one all the same.
func TestStrangeJournalError(t *testing.T) {
	b := brokertest.Start(t)
	phone := b.Phone("acme", "e1")
	b.Journal.Fail(errors.New("disk full"))
	phone.Send(phone.PublishPacket("fc/acme/e1", []byte("{}"), 1, 7, 0))
	if got := phone.Closed(5 * time.Second); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}
