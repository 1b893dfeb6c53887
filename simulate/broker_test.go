package simulate_test

import (
	"bytes"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"fieldcast/payload"
	"fieldcast/track"
)

// testBroker is a real broker that lets everyone in, unless told otherwise,
// and remembers what it was sent.
type testBroker struct {
	mqtt.HookBase
	addr string

	mu       sync.Mutex
	server   *mqtt.Server
	refuse   bool                // refuse all connections
	refused  int                 // how many were
	spoil    func(n int) fate    // what happens to the n-th publish, from 0
	publish  int                 // publishes so far
	connects []packets.Packet    // CONNECTs that were let in
	clients  map[string]bool     // ids that are connected
	fixes    map[string][]fixSet // by topic
	wills    []packets.Packet
	subs     []string
	ids      map[string]bool // client ids that have published
}

// fixSet is what a publish held.
type fixSet struct {
	format string
	fixes  []track.Fix
	acked  bool
}

// fate is what the broker does with a publish.
type fate int

const (
	ack     fate = iota
	hangUp       // close the connection without an acknowledgement
	deafen       // take it, acknowledge it, and close: the phone cannot know
	discard      // no acknowledgement, connection stays
)

func startBroker(t *testing.T) *testBroker {
	t.Helper()
	b := &testBroker{clients: map[string]bool{}, fixes: map[string][]fixSet{}, ids: map[string]bool{}}
	b.start(t, "127.0.0.1:0")
	t.Cleanup(func() { b.stop(t) })
	return b
}

func (b *testBroker) start(t *testing.T, addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	server := mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.DiscardHandler)})
	if err := server.AddHook(b, nil); err != nil {
		t.Fatal(err)
	}
	if err := server.AddListener(listeners.NewNet("test", listener)); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addr, b.server = listener.Addr().String(), server
}

func (b *testBroker) stop(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	server := b.server
	b.server = nil
	b.mu.Unlock()
	if server == nil {
		return
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
}

func (b *testBroker) url() string { return "tcp://" + b.addr }

func (b *testBroker) ID() string { return "test" }

func (b *testBroker) Provides(hook byte) bool {
	return bytes.IndexByte([]byte{
		mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnSessionEstablished, mqtt.OnDisconnect, mqtt.OnPublish, mqtt.OnWillSent, mqtt.OnSubscribed,
	}, hook) >= 0
}

func (b *testBroker) OnConnectAuthenticate(_ *mqtt.Client, pk packets.Packet) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.refuse {
		b.connects = append(b.connects, pk)
	}
	if b.refuse {
		b.refused++
	}
	return !b.refuse
}

func (b *testBroker) OnACLCheck(*mqtt.Client, string, bool) bool { return true }

func (b *testBroker) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clients[cl.ID] = true
}

func (b *testBroker) OnDisconnect(cl *mqtt.Client, _ error, _ bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.clients, cl.ID)
}

func (b *testBroker) OnSubscribed(_ *mqtt.Client, pk packets.Packet, _ []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range pk.Filters {
		b.subs = append(b.subs, s.Filter)
	}
}

func (b *testBroker) OnWillSent(_ *mqtt.Client, pk packets.Packet) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wills = append(b.wills, pk)
}

func (b *testBroker) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline {
		return pk, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	what := ack
	if b.spoil != nil {
		what = b.spoil(b.publish)
	}
	b.publish++
	b.ids[cl.ID] = true
	m := payload.Decode("", pk.Payload)
	if pk.FixedHeader.Qos != 1 || pk.FixedHeader.Retain || len(m.Problems) > 0 {
		what = discard // the test sees that it is missing
	}
	switch what {
	case hangUp:
		cl.Stop(packets.ErrServerShuttingDown)
		return pk, packets.ErrRejectPacket
	case discard:
		return pk, packets.ErrRejectPacket
	case deafen:
		defer cl.Stop(packets.ErrServerShuttingDown)
	}
	b.fixes[pk.TopicName] = append(b.fixes[pk.TopicName], fixSet{m.Format, m.Fixes, what == ack})
	return pk, nil
}

// stored returns the fixes of a topic in the order of their first arrival, as
// a store keeps them, and how many came more than once.
func (b *testBroker) stored(topic string) (fixes []track.Scaled, again int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := map[track.Scaled]bool{}
	for _, set := range b.fixes[topic] {
		for _, f := range set.fixes {
			s := f.Scale()
			if seen[s] {
				again++
				continue
			}
			seen[s] = true
			fixes = append(fixes, s)
		}
	}
	return fixes, again
}

func scaled(fs []track.Fix) []track.Scaled {
	var out []track.Scaled
	for _, f := range fs {
		if s := f.Scale(); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}
