package identity

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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

	// Issuers are others whose tokens count. Their keys are read by
	// [Service.RunIssuers].
	Issuers    []Issuer
	Registerer prometheus.Registerer // nil: no metrics
	// KeysAtMost is how often the keys of an issuer are read at most because
	// somebody misses one. 0: 10 s.
	KeysAtMost time.Duration
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
	issuers  map[string]*outside // by the claim iss
}

// New returns a service, or [track.ErrInvalid] if the key is too short or an
// issuer cannot be used. It does no I/O.
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
	issuers, err := newIssuers(o)
	if err != nil {
		return nil, err
	}
	return &Service{
		store:    o.Store,
		log:      o.Logger,
		now:      o.Now,
		signer:   newSigner(o.Key, o.Now),
		hasher:   newHasher(),
		throttle: newThrottle(o),
		revoked:  newRevocations(),
		issuers:  issuers,
	}, nil
}

// Verify returns who an access token identifies. Every refusal is a [Failure].
// It does no I/O: what has been revoked is known from [Service.Start] and
// [Service.Run].
func (s *Service) Verify(token string) (track.Identity, error) {
	if o := s.outside(token); o != nil {
		id, err := o.verify(token)
		if err == nil && s.revoked.has(id.TokenID) {
			err = ErrRevoked
		}
		if err != nil {
			return track.Identity{}, err
		}
		return id, nil
	}
	c, err := s.check(token, audienceAccess)
	if err != nil {
		return track.Identity{}, err
	}
	return c.identity(), nil
}

// outside returns the issuer that a token names, if it is somebody else.
func (s *Service) outside(token string) *outside {
	if len(s.issuers) == 0 {
		return nil // and nobody pays for looking
	}
	return s.issuers[issuerOf(token)]
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
