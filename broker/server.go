package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/prometheus/client_golang/prometheus"

	"fieldcast/feed"
	"fieldcast/journal"
	"fieldcast/track"
)

// Authenticator proves who logs in. It must not do I/O: it is asked on the
// goroutine that reads the connection, a hundred thousand times after an
// outage. Errors may have a method Reason for a metric's label.
type Authenticator interface {
	Authenticate(username, password string) (track.Identity, error)
}

// Appender takes what phones publish. When Append has returned, it is on disk.
type Appender interface {
	Append(ctx context.Context, r journal.Record) (uint64, error)
}

// LastKnown is the table of last-known positions.
type LastKnown interface {
	Positions(company string) []track.Position
	Position(company, employee string) (track.Position, bool)
	Presence(company string) map[string]track.Presence
}

// Changes is the feed.
type Changes interface {
	Subscribe(company string, size int) *feed.Subscription
}

// Options configures a [Server]. Identities, Journal, People, Changes and
// Logger are required.
type Options struct {
	Identities Authenticator
	Journal    Appender
	People     LastKnown
	Changes    Changes
	// Inspect says why a payload cannot be read, or nil. It is asked before the
	// acknowledgement of MQTT 5 clients, which can be told (reason 0x99).
	Inspect    func(leaf string, body []byte) error
	Limits     Limits
	Origins    []string // browser origins that may connect, besides the own one
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

// Server is the broker. Create it with [New]; all methods are safe for
// concurrent use.
type Server struct {
	Options
	metrics  *metrics
	door     *door
	sessions *sessions
	presence *presence
	accepts  *pace
	paces    *paces // of publishing

	fromAddress *paces // of connecting
	mqtt        *mqtt.Server
	refusals    logLimit
	panics      logLimit

	published   atomic.Uint64 // sequence number of the last change that was delivered
	revocations atomic.Uint64 // calls of Disconnect

	ctx    context.Context // ends when nothing may be appended any more
	cancel context.CancelFunc
	conns  sync.WaitGroup // one for each connection

	mu        sync.Mutex
	listeners []net.Listener
	accepting sync.WaitGroup
	workers   sync.WaitGroup
	changes   *feed.Subscription
	started   bool
	closing   bool
}

// New returns a server that listens nowhere yet, or an error if an option is
// missing.
func New(o Options) (*Server, error) {
	if o.Identities == nil || o.Journal == nil || o.People == nil || o.Changes == nil || o.Logger == nil {
		return nil, errors.New("broker: Identities, Journal, People, Changes and Logger are required")
	}
	o.Limits = o.Limits.withDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Inspect == nil {
		o.Inspect = func(string, []byte) error { return nil }
	}
	s := &Server{Options: o, metrics: newMetrics(o.Registerer)}
	s.door = newDoor(&s.Limits)
	s.sessions = newSessions(&s.Limits)
	s.paces = newPaces(s.Limits.PublishesPerSecond, s.Limits.PublishBurst)
	s.fromAddress = newPaces(s.Limits.AcceptsPerAddress, s.Limits.AcceptsPerAddress)
	s.accepts = newPace(s.Limits.AcceptsPerSecond, s.Limits.AcceptsPerSecond)
	s.presence = newPresence(o.Journal, o.Logger, s.metrics, o.Now)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.mqtt = mqtt.New(&mqtt.Options{
		Capabilities: s.capabilities(),
		// Phones send small packets; what is larger grows by itself.
		ClientNetReadBufferSize:  1 << 10,
		ClientNetWriteBufferSize: 1 << 11,
		Logger:                   quiet(o.Logger),
		SysTopicResendInterval:   int64(24 * time.Hour / time.Second), // nobody may read them
	})
	if err := s.mqtt.AddHook(&hook{server: s}, nil); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	return s, nil
}

// capabilities are what mochi may promise to clients.
func (s *Server) capabilities() *mqtt.Capabilities {
	c := mqtt.NewDefaultServerCapabilities()
	c.MaximumClients = math.MaxInt64 // the door counts
	// The queue that mochi makes for each client, at 8 bytes an entry: deliver
	// does without it.
	c.MaximumClientWritesPending = 1
	c.MaximumInflight = uint16(min(s.Limits.Inflight, math.MaxUint16))
	c.MaximumMessageExpiryInterval = int64(s.Limits.SessionExpiry / time.Second)
	c.MaximumPacketSize = uint32(s.Limits.PacketBytes)
	c.MaximumSessionExpiryInterval = uint32(s.Limits.SessionExpiry / time.Second)
	c.TopicAliasMaximum = 10 // what OwnTracks on iOS uses
	c.MinimumProtocolVersion = 3
	// Otherwise a PUBACK repeats the publish's properties: bytes on air for
	// nothing.
	c.Compatibilities.NoInheritedPropertiesOnAck = true
	return c
}

// Start notes in the journal that nobody is connected, and begins to publish
// what the feed says. Listeners are added by [Server.Listen] and by mounting
// the server in an HTTP server.
func (s *Server) Start(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started || s.closing {
		return errors.New("broker: started or closed already")
	}
	if err := s.mqtt.Serve(); err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	s.started = true
	s.changes = s.Changes.Subscribe("", changesWaiting)
	s.workers.Go(func() { s.presence.run(s.ctx) })
	s.workers.Go(s.publishChanges)
	return nil
}

// Status returns nil while clients can connect.
func (s *Server) Status() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.started:
		return errors.New("broker has not started")
	case s.closing:
		return errors.New("broker is closing")
	}
	return nil
}

// Disconnect closes the connections that logged in with these tokens, and
// forgets their sessions: they were revoked.
func (s *Server) Disconnect(tokenIDs []string) {
	s.revocations.Add(1) // before looking: who logs in meanwhile looks again
	for _, session := range s.sessions.ofTokens(tokenIDs) {
		s.Logger.Info("token revoked: connection closed", "company", session.id.Company, "subject", session.id.Subject)
		s.bye(session, packets.ErrNotAuthorized)
		s.forget(session)
	}
}

// bye closes a connection. MQTT 5 clients are told why; to older ones a
// DISCONNECT from the server means nothing [MQTT-3.14].
func (s *Server) bye(session *session, why packets.Code) {
	if session.version == 5 {
		_ = s.mqtt.DisconnectClient(session.client, why) // returns why
		return
	}
	session.client.Stop(why)
}

// forget removes all that mochi keeps for a client that may not come back.
func (s *Server) forget(session *session) {
	s.sessions.forget(session)
	s.forgetClient(session.client)
}

func (s *Server) forgetClient(client *mqtt.Client) {
	if kept, ok := s.mqtt.Clients.Get(client.ID); ok && kept == client {
		client.ClearInflights()
		s.mqtt.UnsubscribeClient(client)
		s.mqtt.Clients.Delete(client.ID)
	}
}

// serve handles one connection until it ends. It returns at once when the door
// does not let it in.
func (s *Server) serve(listener string, inner net.Conn) {
	c := newConn(inner, &s.Limits, s.metrics.slow.Inc)
	s.sessions.open(c) // before the door, so that Close sees whoever has come through
	defer s.sessions.close(c)
	oldest, refused := s.door.enter(c)
	if refused != "" {
		s.metrics.refused.WithLabelValues(refused).Inc()
		_ = inner.Close() // a stranger
		return
	}
	defer s.door.leave(c)
	if oldest != nil {
		s.metrics.refused.WithLabelValues("half_open").Inc()
		_ = oldest.Close() // a stranger
	}
	if refused := s.greet(c); refused != "" {
		s.metrics.refused.WithLabelValues(refused).Inc()
		_ = c.Close() // a stranger
		c.drains.Wait()
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(s.Limits.ConnectTimeout)) // if it fails, so does Read
	err := s.establish(listener, c)
	_ = c.Close() // mostly closed already
	switch {
	case c.session != nil:
		s.metrics.closed.WithLabelValues(ending(c.session.client, err)).Inc()
		s.leave(c.session)
	case c.denied:
		s.metrics.refused.WithLabelValues("login").Inc()
	default:
		s.metrics.refused.WithLabelValues(refusal(err)).Inc()
	}
	c.drains.Wait()
}

// greet hears what comes before MQTT, and where the connection comes from. It
// returns why not to go on.
func (s *Server) greet(c *conn) (refused string) {
	if h, ok := c.Conn.(handshaker); ok {
		ctx, cancel := context.WithTimeout(s.ctx, s.Limits.ConnectTimeout)
		defer cancel()
		if err := h.HandshakeContext(ctx); err != nil {
			s.Logger.Debug("no handshake", "remote", c.RemoteAddr().String(), "error", err)
			return "handshake"
		}
	}
	switch {
	case s.Limits.AcceptsPerAddress > 0 && !s.fromAddress.allow(host(c)):
		return "connect_rate_of_address"
	case !s.door.from(c):
		return "connections_per_address"
	}
	return ""
}

// errPanic stands for a bug that a client has found.
var errPanic = errors.New("panic")

// establish lets mochi handle the connection. Its panics, of which malformed
// packets can cause some, end this connection only.
func (s *Server) establish(listener string, c *conn) (err error) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		s.metrics.panics.Inc()
		if ok, suppressed := s.panics.allow(s.Now()); ok {
			s.Logger.Error("panic in a connection", "remote", c.RemoteAddr().String(), "cause", fmt.Sprint(cause), "stack", string(debug.Stack()), "not_logged", suppressed)
		}
		if c.session != nil { // mochi has not come to its own clean-up
			s.forget(c.session)
		}
		err = errPanic
	}()
	return s.mqtt.EstablishConnection(listener, c)
}

// leave ends a session's connection. It is called once.
func (s *Server) leave(session *session) {
	session.end()
	s.metrics.connections.WithLabelValues(string(session.id.Role)).Dec()
	s.sessions.leave(session)
	if session.id.Role == track.RoleDevice {
		s.paces.leave(owner(session.id))
		s.presence.left(session.id)
	}
	if !session.resumable() {
		s.forgetClient(session.client) // mochi leaves those whose CONNACK did not get through
	}
	if kept, ok := s.mqtt.Clients.Get(session.key); !ok || kept != session.client {
		s.sessions.forget(session)
	}
	close(session.gone)
}

// refusal is the label for a connection that ended before it had logged in.
func refusal(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, errNotConnect):
		return "not_connect"
	case errors.Is(err, errBigConnect), errors.Is(err, errBadRemaining), errors.Is(err, packets.ErrPacketTooLarge):
		return "connect_too_large"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "connect_timeout"
	case errors.Is(err, errPanic):
		return "panic"
	}
	return "protocol"
}

// ending is the label for why a client that had logged in is gone.
func ending(client *mqtt.Client, err error) string {
	cause := client.StopCause()
	if cause == nil {
		cause = err
	}
	var timeout net.Error
	var code packets.Code
	switch {
	case errors.Is(err, errPanic):
		return "panic"
	case errors.Is(cause, packets.CodeDisconnect):
		return "client"
	case errors.Is(cause, packets.ErrSessionTakenOver):
		return "taken_over"
	case errors.Is(cause, packets.ErrServerShuttingDown):
		return "server"
	case errors.Is(cause, packets.ErrNotAuthorized):
		return "token"
	case errors.Is(cause, packets.ErrMessageRateTooHigh):
		return "publish_rate"
	case errors.Is(cause, errNotTaken):
		return "journal"
	case errors.Is(cause, errSlowConsumer):
		return "slow_consumer"
	case errors.Is(cause, packets.ErrPacketTooLarge), errors.Is(cause, errBigPacket):
		return "packet_too_large"
	case errors.As(cause, &timeout) && timeout.Timeout():
		return "keep_alive"
	case errors.As(cause, &code), errors.Is(cause, errBadRemaining):
		return "protocol"
	}
	return "lost"
}

// Close lets nothing new in, finishes and answers what is being handled, says
// goodbye to MQTT 5 clients, and waits for all goroutines, or until ctx ends;
// then it cuts the connections and returns the error of ctx. A second call
// does nothing.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return nil
	}
	s.closing = true
	listeners, started := s.listeners, s.started
	s.mu.Unlock()
	s.door.close()
	for _, l := range listeners {
		_ = l.Close() // it only stops accepting
	}
	s.accepting.Wait()
	for _, c := range s.sessions.conns() {
		c.beginDraining()
	}
	err := s.waitForConns(ctx)
	defer context.AfterFunc(ctx, s.cancel)() // an append that hangs gives up
	s.presence.stop()
	if started {
		s.changes.Close()
		s.workers.Wait()
		err = errors.Join(err, s.mqtt.Close())
	}
	s.cancel()
	return err
}

func (s *Server) waitForConns(ctx context.Context) error {
	gone := make(chan struct{})
	go func() {
		s.conns.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	s.cancel() // appends that wait give up
	for _, c := range s.sessions.conns() {
		_ = c.Conn.Close() // the time is over
	}
	<-gone
	return ctx.Err()
}
