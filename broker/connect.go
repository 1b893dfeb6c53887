package broker

import (
	"errors"
	"regexp"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"fieldcast/track"
)

// OnConnect bounds the keep-alive. MQTT 5 clients are told; mochi's deadline is
// 1.5 times as long [MQTT-3.1.2-22].
func (h *hook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	l := &h.server.Limits
	longest := l.KeepAliveMaxV3
	if pk.ProtocolVersion == 5 {
		longest = l.KeepAliveMax
	}
	asked := time.Duration(pk.Connect.Keepalive) * time.Second
	granted := min(max(asked, l.KeepAliveMin), longest)
	if asked == 0 { // "never": a dead connection would stay for ever
		granted = longest
	}
	cl.State.Keepalive = uint16(granted / time.Second)
	cl.State.ServerKeepalive = granted != asked
	return nil
}

// OnConnectAuthenticate finds out who it is, and gives the client an id that
// no other identity can have: mochi hands a session to whoever shows its id.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	s := h.server
	c, ok := cl.Net.Conn.(*conn)
	if !ok {
		return false
	}
	revocations := s.revocations.Load() // before the tokens are looked at
	id, err := s.authenticate(pk)
	if err != nil {
		s.refuse(cl, pk, err, reason(err))
		return h.deny(cl, pk, packets.ErrBadUsernameOrPassword, packets.Err3NotAuthorized)
	}
	if pk.Connect.WillFlag && !track.Allow(id, track.Publish, pk.Connect.WillTopic) {
		s.refuse(cl, pk, errForeignWill, "will")
		return h.deny(cl, pk, packets.ErrNotAuthorized, packets.Err3NotAuthorized)
	}
	session := s.newSession(cl, pk, id)
	older, err := s.sessions.admit(session, s.evict)
	switch {
	case errors.Is(err, errCompanyFull):
		s.refuse(cl, pk, err, "company_connections")
		return h.deny(cl, pk, packets.ErrQuotaExceeded, packets.Err3ServerUnavailable)
	case err != nil:
		s.refuse(cl, pk, err, "sessions")
		return h.deny(cl, pk, packets.ErrQuotaExceeded, packets.Err3NotAuthorized)
	}
	if s.revocations.Load() != revocations {
		// Disconnect may have looked for this token before the session was noted.
		if _, err := s.authenticate(pk); err != nil {
			s.sessions.forget(session)
			s.sessions.leave(session)
			s.takeOver(older)
			s.refuse(cl, pk, errors.Join(errRevoked, err), reason(err))
			return h.deny(cl, pk, packets.ErrNotAuthorized, packets.Err3NotAuthorized)
		}
	}
	c.session = session
	c.onFarewell(func() { s.bye(session, packets.ErrServerShuttingDown) })
	s.metrics.connections.WithLabelValues(string(id.Role)).Inc()
	if id.Role == track.RoleDevice {
		c.guard.phone = true
		session.pace = s.paces.enter(owner(id))
		s.presence.came(id) // before a take-over ends the older connection
	}
	s.takeOver(older)
	if !s.door.passed(c) { // pushed out meanwhile
		return false
	}
	cl.ID = session.key
	// The server publishes presence by the session, so a will has nothing to say.
	cl.Properties.Will = mqtt.Will{}
	if id.Role != track.RoleDevice {
		// Only phones have something waiting for them. Others get the present
		// state when they come back, which a queue of old messages is not.
		session.expiryChanged = cl.Properties.Props.SessionExpiryInterval != 0
		cl.Properties.Clean = true
		cl.Properties.Props.SessionExpiryInterval = 0
		cl.Properties.Props.SessionExpiryIntervalFlag = true
	}
	return true
}

func (s *Server) authenticate(pk packets.Packet) (track.Identity, error) {
	return s.Identities.Authenticate(string(pk.Connect.Username), string(pk.Connect.Password))
}

// takeOverWait is how long an older connection may take to finish what it is
// doing. Its phone has already come back on the newer one.
const takeOverWait = 5 * time.Second

// takeOver ends the older connection of a client id and waits until it has
// gone. mochi would do without waiting: then of many that log in at the same
// time several stay connected, and the older one's clean-up can remove the
// newer one from its tables.
func (s *Server) takeOver(older *session) {
	if older == nil {
		return
	}
	s.bye(older, packets.ErrSessionTakenOver)
	select {
	case <-older.gone:
	case <-time.After(takeOverWait):
		s.metrics.dropped.WithLabelValues("take_over").Inc()
	}
}

var errForeignWill = errors.New("the will is on a topic that this client may not write")

func (s *Server) newSession(cl *mqtt.Client, pk packets.Packet, id track.Identity) *session {
	window := s.Limits.Inflight
	if receiveMaximum := int(pk.Properties.ReceiveMaximum); receiveMaximum > 0 { // absent: no limit [MQTT-3.1.2.11.3]
		window = min(window, receiveMaximum)
	}
	session := &session{
		server:  s,
		id:      id,
		key:     sessionKey(id, cl.ID),
		client:  cl,
		version: pk.ProtocolVersion,
		done:    make(chan struct{}),
		gone:    make(chan struct{}),
		out:     outbox{window: window},
	}
	if id.Role == track.RoleDevice {
		session.topic = track.Topic{Company: id.Company, Employee: id.Employee}.String()
		session.express = session.version < 5
	}
	return session
}

// OnSessionEstablished begins the time that a token has left.
func (h *hook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	s := sessionOf(cl)
	if s == nil {
		return
	}
	cl.State.Inflight.ResetSendQuota(0) // mochi would look for what it has held back, at each PUBACK: nothing ever is
	if s.id.ExpiresAt.IsZero() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended() {
		return
	}
	s.expiry = time.AfterFunc(s.id.ExpiresAt.Sub(h.server.Now()), func() {
		h.server.bye(s, packets.ErrNotAuthorized)
		if s.id.Role == track.RoleDevice {
			h.server.forget(s)
		}
	})
}

// deny answers CONNECT itself, because mochi would send 0x86 whatever the
// reason, and to older clients codes that they do not know. It returns false.
func (h *hook) deny(cl *mqtt.Client, pk packets.Packet, v5, v3 packets.Code) bool {
	code := v5
	if pk.ProtocolVersion < 5 {
		code = v3
	}
	_ = h.server.mqtt.SendConnack(cl, code, false, nil) // the client may have gone
	cl.Stop(v5)                                         // mochi's own answer finds the connection closed
	if c, ok := cl.Net.Conn.(*conn); ok {
		c.denied = true
	}
	return false
}

// OnPacketEncode mends CONNACK: what MQTT 5 clients must be told of the session,
// and codes that older clients do not know.
func (h *hook) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	if pk.FixedHeader.Type != packets.Connack {
		return pk
	}
	if pk.ProtocolVersion == 5 {
		if pk.ReasonCode < packets.ErrUnspecifiedError.Code {
			// mochi takes aliases and does not say so: no client may use them [MQTT-3.2.2-18].
			pk.Properties.TopicAliasMaximum = h.server.mqtt.Options.Capabilities.TopicAliasMaximum
		}
		if s := sessionOf(cl); s != nil && s.expiryChanged {
			pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = 0, true // [MQTT-3.2.2.3.2]
		}
		return pk
	}
	switch pk.ReasonCode {
	case packets.ErrUnspecifiedError.Code, packets.ErrClientIdentifierNotValid.Code: // no id, and no clean session [MQTT-3.1.3-8]
		pk.ReasonCode = packets.Err3ClientIdentifierNotValid.Code
	case packets.ErrProtocolViolation.Code:
		pk.ReasonCode = packets.Err3NotAuthorized.Code
	}
	return pk
}

// evict removes the session of a client id that gives way to a newer one.
func (s *Server) evict(key string) {
	s.metrics.dropped.WithLabelValues("session_evicted").Inc()
	if client, ok := s.mqtt.Clients.Get(key); ok && client.Closed() {
		s.forgetClient(client)
	}
}

// refuse counts and logs a login that failed: who said it was, if that can be
// said without repeating a secret, and why.
func (s *Server) refuse(cl *mqtt.Client, pk packets.Packet, err error, reason string) {
	s.metrics.authFailures.WithLabelValues(reason).Inc()
	ok, suppressed := s.refusals.allow(s.Now())
	if !ok {
		return
	}
	user := string(pk.Connect.Username)
	if !loggable.MatchString(user) {
		user = ""
	}
	s.Logger.Info("login refused", "user", user, "remote", cl.Net.Remote, "reason", reason, "error", err, "not_logged", suppressed)
}

// loggable is a user name such as e17@acme. Anything else may be a token that
// somebody has put into the wrong field.
var loggable = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}@[a-z0-9-]{1,32}$`)

// reason is a label for why a login was refused.
func reason(err error) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		return r.Reason()
	}
	return "other"
}
