package identity

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"fieldcast/track"
)

const (
	// MaxTokenBytes bounds a token before anything looks into it.
	MaxTokenBytes = 8 << 10

	issuer = "fieldcast"

	// leeway is how far the clocks of two servers may differ. It is not given
	// to exp: a connection is closed at that moment, and must not come back.
	leeway = 10 * time.Second
)

// audience is what a token is for.
type audience string

const (
	audienceAccess  audience = "fieldcast"         // MQTT and REST
	audienceSession audience = "fieldcast-session" // the cookie of a browser
)

// claims are what our tokens say, beside the registered claims of RFC 7519.
type claims struct {
	jwt.RegisteredClaims
	Role     track.Role       `json:"role"`
	Company  string           `json:"company,omitempty"`
	Employee string           `json:"employee,omitempty"`
	Topics   []string         `json:"topics,omitempty"`
	ACL      json.RawMessage  `json:"acl,omitempty"`       // of an integrator, in place of topics: see readACL
	AuthTime *jwt.NumericDate `json:"auth_time,omitempty"` // of a session: when the password was given
}

// newClaims says who id is, for ttl from now.
func newClaims(id track.Identity, aud audience, now time.Time, ttl time.Duration) claims {
	now = now.Truncate(time.Second) // the precision of a token
	return claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    issuer,
			Subject:   id.Subject,
			Audience:  jwt.ClaimStrings{string(aud)},
			ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
			NotBefore: jwt.NewNumericDate(now),
			IssuedAt:  jwt.NewNumericDate(now),
			ID:        rand.Text(),
		},
		Role:     id.Role,
		Company:  id.Company,
		Employee: id.Employee,
		Topics:   id.Topics,
	}
}

func (c *claims) identity() track.Identity {
	id := track.Identity{
		TokenID:   c.ID,
		Subject:   c.Subject,
		Role:      c.Role,
		Company:   c.Company,
		Employee:  c.Employee,
		Topics:    c.Topics,
		ExpiresAt: c.ExpiresAt.Time,
	}
	if len(c.ACL) > 0 && c.Role == track.RoleIntegrator {
		var err error
		if id.Rules, err = readACL(c.ACL, c.Company); err != nil {
			id.Topics = nil // what cannot be read might have narrowed them: complete says no
		}
	}
	return id
}

// complete reports whether the claims say who this is.
func (c *claims) complete() bool {
	return c.ID != "" && c.Subject != "" && c.IssuedAt != nil && checkIdentity(c.identity()) == nil
}

// signer signs and checks tokens with the key of the installation.
type signer struct {
	key     []byte
	now     func() time.Time
	parsers map[audience]*jwt.Parser
}

func newSigner(key []byte, now func() time.Time) *signer {
	s := &signer{key: key, now: now, parsers: map[audience]*jwt.Parser{}}
	for _, aud := range []audience{audienceAccess, audienceSession} {
		s.parsers[aud] = jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), // neither "none" nor another family
			jwt.WithIssuer(issuer),
			jwt.WithAudience(string(aud)),
			jwt.WithExpirationRequired(),
			jwt.WithNotBeforeRequired(),
			jwt.WithIssuedAt(),
			jwt.WithLeeway(leeway),
			jwt.WithTimeFunc(now),
			jwt.WithStrictDecoding(), // one token has one spelling
		)
	}
	return s
}

func (s *signer) sign(c claims) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(s.key)
}

// verify checks everything but revocation, and returns a [Failure].
func (s *signer) verify(token string, aud audience) (*claims, error) {
	if len(token) > MaxTokenBytes {
		return nil, ErrTooLarge
	}
	c := &claims{}
	_, err := s.parsers[aud].ParseWithClaims(token, c, func(t *jwt.Token) (any, error) {
		if _, critical := t.Header["crit"]; critical { // must be understood (RFC 7515, 4.1.11), and none is
			return nil, ErrBadSignature
		}
		return s.key, nil
	})
	switch {
	case err != nil:
		return nil, failure(err)
	case !s.now().Before(c.ExpiresAt.Time):
		return nil, ErrExpired
	case !c.complete():
		return nil, ErrBadClaims
	}
	return c, nil
}

// failure translates the library's errors. Their texts are left behind: they
// may quote what was sent. Of several, the first of this list counts.
func failure(err error) *Failure {
	for _, f := range []struct {
		is   error
		then *Failure
	}{
		{jwt.ErrTokenMalformed, ErrMalformed},
		{jwt.ErrTokenUnverifiable, ErrBadSignature}, // alg is missing or unknown
		{jwt.ErrTokenSignatureInvalid, ErrBadSignature},
		{jwt.ErrTokenInvalidIssuer, ErrWrongIssuer},
		{jwt.ErrTokenInvalidAudience, ErrWrongAudience},
		{jwt.ErrTokenExpired, ErrExpired},
		{jwt.ErrTokenNotValidYet, ErrNotYetValid},
		{jwt.ErrTokenUsedBeforeIssued, ErrNotYetValid},
	} {
		if errors.Is(err, f.is) {
			return f.then
		}
	}
	return ErrBadClaims
}
