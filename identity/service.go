package identity

import (
	"log/slog"
	"time"

	"fieldcast/track"
)

// Store is the part of [track.Store] that identities need.
type Store interface {
	track.Users
	track.Tokens
}

// Options is what a [Service] is made of.
type Options struct {
	Store  Store
	Key    []byte           // at least 32 bytes; see [LoadKey]
	Logger *slog.Logger     // nil: silent
	Now    func() time.Time // nil: [time.Now]

	// FailedLogins is how many logins of one account may fail in a row before
	// each next one has to wait; FailedLoginsPerAddress is the same for an
	// address, behind which many managers may sit. 0: 10 and 30.
	FailedLogins, FailedLoginsPerAddress int
}

// Service issues and checks credentials. Make it with [New]. It is safe for
// concurrent use, and nothing needs to be closed: [Service.Run] ends with its
// context.
type Service struct {
	store    Store
	log      *slog.Logger
	now      func() time.Time
	signer   *signer
	hasher   *hasher
	throttle *throttle
	revoked  *revocations
}

// New returns a service, or [track.ErrInvalid] if the key is too short. It does
// no I/O.
func New(o Options) (*Service, error) {
	if o.Store == nil {
		return nil, track.Invalid("store", "is needed to know users and revoked tokens")
	}
	if len(o.Key) < keyBytes {
		return nil, track.Invalid("key", "has %d bytes, but needs %d", len(o.Key), keyBytes)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{
		store:    o.Store,
		log:      o.Logger,
		now:      o.Now,
		signer:   newSigner(o.Key, o.Now),
		hasher:   newHasher(),
		throttle: newThrottle(o),
		revoked:  newRevocations(),
	}, nil
}

// Verify returns who an access token identifies. Every refusal is a [Failure].
// It does no I/O: what has been revoked is known from [Service.Start] and
// [Service.Run].
func (s *Service) Verify(token string) (track.Identity, error) {
	c, err := s.check(token, audienceAccess)
	if err != nil {
		return track.Identity{}, err
	}
	return c.identity(), nil
}

// Authenticate returns who logs in with an MQTT CONNECT: the password is an
// access token. A device's user name must be its own, employee@company; beside
// any other token the user name is free. Every refusal is a [Failure]. It does
// no I/O.
func (s *Service) Authenticate(username, password string) (track.Identity, error) {
	id, err := s.Verify(password)
	if err != nil {
		return track.Identity{}, err
	}
	if id.Role == track.RoleDevice && username != Username(id.Company, id.Employee) {
		return track.Identity{}, ErrOtherUser
	}
	return id, nil
}

// check is the one way in for every token and cookie.
func (s *Service) check(token string, aud audience) (*claims, error) {
	c, err := s.signer.verify(token, aud)
	if err != nil {
		return nil, err
	}
	if s.revoked.has(c.ID) {
		return nil, ErrRevoked
	}
	return c, nil
}
