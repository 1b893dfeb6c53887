// Package brokertest runs a live broker for tests, with a journal, identities
// and a table of last-known positions that the test controls, and speaks raw
// MQTT to it, because a library hides what a hostile client sends.
package brokertest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fieldcast/broker"
	"fieldcast/feed"
	"fieldcast/journal"
	"fieldcast/listen"
	"fieldcast/track"
)

// Broker is a broker that runs until the test ends.
type Broker struct {
	TB      testing.TB
	Server  *broker.Server
	Addr    string // of MQTT
	Web     *httptest.Server
	Journal *Journal
	People  *People
	Hub     *feed.Hub
	Log     *Log
	metrics *prometheus.Registry
}

// Start runs a broker. Change may adjust its options first.
func Start(tb testing.TB, change ...func(*broker.Options)) *Broker {
	tb.Helper()
	b := &Broker{
		TB: tb, Journal: &Journal{}, People: &People{}, Hub: feed.NewHub(feed.Options{Window: 20 * time.Millisecond}),
		Log: &Log{}, metrics: prometheus.NewRegistry(),
	}
	o := broker.Options{
		Identities: Identities{}, Journal: b.Journal, People: b.People, Changes: b.Hub,
		Inspect: func(_ string, body []byte) error {
			if bytes.HasPrefix(body, []byte("junk")) {
				return errors.New("this is junk")
			}
			return nil
		},
		Logger: slog.New(slog.NewTextHandler(b.Log, &slog.HandlerOptions{Level: slog.LevelDebug})), Registerer: b.metrics,
	}
	for _, c := range change {
		c(&o)
	}
	var err error
	if b.Server, err = broker.New(o); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	hub := make(chan struct{})
	go func() {
		defer close(hub)
		_ = b.Hub.Run(ctx) // nil
	}()
	if err := b.Server.Start(ctx); err != nil {
		tb.Fatal(err)
	}
	b.Addr = b.Listen(listen.Options{})
	b.Web = httptest.NewServer(b.Server)
	tb.Cleanup(func() {
		b.Close()
		b.Web.Close()
		cancel()
		<-hub
	})
	return b
}

// Listen opens another door, and returns its address.
func (b *Broker) Listen(o listen.Options) string {
	b.TB.Helper()
	l, err := listen.TCP("127.0.0.1:0", o)
	if err != nil {
		b.TB.Fatal(err)
	}
	if err := b.Server.Listen("tcp", l); err != nil {
		b.TB.Fatal(err)
	}
	return l.Addr().String()
}

// Close closes the broker within 10 s.
func (b *Broker) Close() {
	b.TB.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.Server.Close(ctx); err != nil {
		b.TB.Errorf("close: %v", err)
	}
}

// Metric adds up the samples of a metric; with label, those that have a label
// of this value.
func (b *Broker) Metric(name string, label ...string) float64 {
	b.TB.Helper()
	families, err := b.metrics.Gather()
	if err != nil {
		b.TB.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			values := ""
			for _, l := range m.GetLabel() {
				values += l.GetValue() + " "
			}
			if len(label) == 0 || strings.Contains(values, label[0]+" ") {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// Eventually waits for a condition.
func Eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			tb.Fatalf("after 10 s it was still not so that %s", what)
		}
		time.Sleep(2 * time.Millisecond) // between two looks
	}
}

// Identities knows everybody by a password of the form role:company:name, with
// ":expires" behind for a token that ends in a moment. The user name is free.
type Identities struct{}

// Expiry is how long a password that ends in ":expires" is valid.
const Expiry = 300 * time.Millisecond

type refusal string

func (r refusal) Error() string  { return "refused: " + string(r) }
func (r refusal) Reason() string { return string(r) }

// Authenticate takes the password apart, or returns an error with a Reason.
func (Identities) Authenticate(username, password string) (track.Identity, error) {
	parts := strings.Split(password, ":")
	if len(parts) < 3 || !track.Role(parts[0]).Valid() {
		return track.Identity{}, refusal("malformed")
	}
	id := track.Identity{TokenID: password, Subject: parts[2], Role: track.Role(parts[0]), Company: parts[1]}
	switch id.Role {
	case track.RoleDevice:
		id.Employee = parts[2]
	case track.RoleIntegrator:
		id.Topics = []string{"fc/" + id.Company + "/+/last"}
	default: // nothing more to know
	}
	if len(parts) > 3 {
		id.ExpiresAt = time.Now().Add(Expiry)
	}
	return id, nil
}

// Journal keeps what is appended in memory.
type Journal struct {
	mu      sync.Mutex
	records []journal.Record
	hold    chan struct{}
	err     error
}

// Append keeps a copy, after Hold has been released, or fails as Fail wants it.
func (j *Journal) Append(ctx context.Context, r journal.Record) (uint64, error) {
	j.mu.Lock()
	hold := j.hold
	j.mu.Unlock()
	if hold != nil && r.Kind == journal.Message {
		select {
		case <-hold:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return 0, j.err
	}
	r.Payload = bytes.Clone(r.Payload)
	r.Seq = uint64(len(j.records) + 1)
	j.records = append(j.records, r)
	return r.Seq, nil
}

// Hold makes appends of messages wait until release is called.
func (j *Journal) Hold() (release func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.hold = make(chan struct{})
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		close(j.hold)
		j.hold = nil
	}
}

// Fail makes appends fail; nil makes them work again.
func (j *Journal) Fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.err = err
}

// Records returns the records of a kind so far.
func (j *Journal) Records(kind journal.Kind) []journal.Record {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []journal.Record
	for _, r := range j.records {
		if r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

// People is a table of last-known positions.
type People struct {
	mu  sync.Mutex
	all []track.Position
	at  map[string]int // company/employee to the place in all
}

// Set replaces the table.
func (p *People) Set(all []track.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all, p.at = all, map[string]int{}
	for i, q := range all {
		p.at[q.Company+"/"+q.Employee] = i
	}
}

// Move replaces the values of one person of the table.
func (p *People) Move(q track.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[p.at[q.Company+"/"+q.Employee]] = q
}

// Positions returns the people of a company.
func (p *People) Positions(company string) []track.Position {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []track.Position
	for _, q := range p.all {
		if q.Company == company {
			out = append(out, q)
		}
	}
	return out
}

// Position returns one of them.
func (p *People) Position(company, employee string) (track.Position, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.at[company+"/"+employee]
	if !ok {
		return track.Position{}, false
	}
	return p.all[i], true
}

// Presence returns who is online: everybody in the table.
func (p *People) Presence(company string) map[string]track.Presence {
	out := map[string]track.Presence{}
	for _, q := range p.Positions(company) {
		out[q.Employee] = track.Presence{State: track.Online, Since: q.RecordedAt}
	}
	return out
}

// Log collects what the broker logs.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
