package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"fieldcast/track"
)

const (
	// SessionTTL is how long a session lives after it was last used; less by up
	// to half, because it is renewed in its second half only.
	SessionTTL = 12 * time.Hour
	// AccessTTL is how long the token that a session gives is valid. It is also
	// how long somebody whose role was taken away keeps it at most.
	AccessTTL = 15 * time.Minute

	// sessionMost is when a password must be given again, however often the
	// session was used.
	sessionMost = 30 * 24 * time.Hour

	// userTimeout is how long the store may take to say what a user's role is
	// now, before it counts as away.
	userTimeout = 2 * time.Second
)

// Session is somebody who has logged in.
type Session struct {
	Cookie    string // for a HttpOnly cookie; worthless as a token
	Identity  track.Identity
	ExpiresAt time.Time
}

// Access is what a session gives.
type Access struct {
	Token     string // for MQTT and REST, valid until ExpiresAt
	Identity  track.Identity
	ExpiresAt time.Time

	Cookie          string // replaces the session's cookie, unless empty
	CookieExpiresAt time.Time
}

// Login starts a session. It returns [ErrBadLogin] if the password is wrong or
// nobody has that e-mail address, after the same time; [ThrottledError] after
// too many of these (see [WithRemote]); [track.ErrUnavailable] if the store is
// away or too many log in at once.
func (s *Service) Login(ctx context.Context, email, password string) (Session, error) {
	email = normalEmail(email)
	if len(email) > maxEmailBytes || len(password) > maxPasswordBytes {
		return Session{}, ErrBadLogin // nobody can have these
	}
	attempt, err := s.throttle.begin(email, remote(ctx))
	if err != nil {
		return Session{}, err
	}
	user, err := s.authentic(ctx, email, password)
	if errors.Is(err, ErrBadLogin) {
		return Session{}, err
	}
	if err != nil {
		s.throttle.forgive(attempt) // nobody has looked at the password
		return Session{}, err
	}
	s.throttle.succeed(attempt)
	now := s.now()
	id := userIdentity(user)
	cookie, expires, err := s.session(id, now, now)
	if err != nil {
		return Session{}, err
	}
	id.ExpiresAt = expires
	return Session{Cookie: cookie, Identity: id, ExpiresAt: expires}, nil
}

// authentic returns the user who has this password.
func (s *Service) authentic(ctx context.Context, email, password string) (track.User, error) {
	user, err := s.store.User(ctx, email)
	if err != nil && !errors.Is(err, track.ErrNotFound) {
		return track.User{}, fmt.Errorf("find user: %w", err)
	}
	ok, err := s.hasher.matches(ctx, user.PasswordHash, password)
	if err != nil {
		return track.User{}, fmt.Errorf("check password: %w", err)
	}
	if !ok {
		return track.User{}, ErrBadLogin
	}
	return user, nil
}

// Access gives a session a token for MQTT and REST. The user's role is read
// again; while the store is away, the one in the cookie counts, because maps
// must go on. In the second half of the session's life it also renews the
// cookie. Every refusal is a [Failure]: [ErrUserGone] if the user was removed.
func (s *Service) Access(ctx context.Context, cookie string) (Access, error) {
	c, err := s.check(cookie, audienceSession)
	if err != nil {
		return Access{}, err
	}
	id, err := s.current(ctx, c)
	if err != nil {
		return Access{}, err
	}
	now := s.now()
	granted := newClaims(id, audienceAccess, now, AccessTTL)
	token, err := s.signer.sign(granted)
	if err != nil {
		return Access{}, fmt.Errorf("sign token: %w", err)
	}
	a := Access{Token: token, Identity: granted.identity(), ExpiresAt: granted.ExpiresAt.Time}
	if c.AuthTime != nil && now.Sub(c.IssuedAt.Time) >= SessionTTL/2 {
		renewed, expires, err := s.session(id, c.AuthTime.Time, now)
		if err != nil {
			return Access{}, err
		}
		if expires.After(c.ExpiresAt.Time) {
			a.Cookie, a.CookieExpiresAt = renewed, expires
		}
	}
	return a, nil
}

// session signs a cookie for somebody who gave the password at auth.
func (s *Service) session(id track.Identity, auth, now time.Time) (cookie string, expires time.Time, err error) {
	ttl := min(SessionTTL, auth.Add(sessionMost).Sub(now))
	c := newClaims(id, audienceSession, now, ttl)
	c.AuthTime = jwt.NewNumericDate(auth)
	if cookie, err = s.signer.sign(c); err != nil {
		return "", time.Time{}, fmt.Errorf("sign session: %w", err)
	}
	return cookie, c.ExpiresAt.Time, nil
}

// current returns who the user of a session is now.
func (s *Service) current(ctx context.Context, c *claims) (track.Identity, error) {
	reading, cancel := context.WithTimeout(ctx, userTimeout)
	defer cancel()
	user, err := s.store.User(reading, c.Subject)
	switch {
	case err == nil:
		id := userIdentity(user)
		if checkIdentity(id) != nil {
			return track.Identity{}, ErrUserGone // of a role that has no session
		}
		return id, nil
	case errors.Is(err, track.ErrNotFound):
		return track.Identity{}, ErrUserGone
	case ctx.Err() == nil && (errors.Is(err, track.ErrUnavailable) || reading.Err() != nil):
		s.log.Debug("database is away: session is trusted as it is")
		return track.Identity{Subject: c.Subject, Role: c.Role, Company: c.Company}, nil
	}
	return track.Identity{}, fmt.Errorf("find user: %w", err)
}

func userIdentity(u track.User) track.Identity {
	return track.Identity{Subject: u.Email, Role: u.Role, Company: u.Company}
}
