package identity

import (
	"context"
	"net/mail"
	"strings"

	"fieldcast/track"
)

const maxEmailBytes = 254 // RFC 5321, section 4.5.3.1.3, without the brackets

// AddUser adds somebody who logs in with a password. It returns
// [track.ErrInvalid] for a bad address, role or password, and what the store
// returns: [track.ErrExists], [track.ErrNotFound] without the company.
// PasswordHash of u is not looked at.
func (s *Service) AddUser(ctx context.Context, u track.User, password string) error {
	u.Email = normalEmail(u.Email)
	if err := checkEmail(u.Email); err != nil {
		return err
	}
	if err := track.CheckCompany(u.Company); err != nil {
		return err
	}
	switch u.Role {
	case track.RoleViewer, track.RoleManager, track.RoleAdmin:
	default:
		return track.Invalid("role", "%q of a user must be viewer, manager or admin", u.Role)
	}
	if err := CheckPassword(password); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	u.PasswordHash = hash
	return s.store.AddUser(ctx, u)
}

func normalEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func checkEmail(s string) error {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > maxEmailBytes {
		return track.Invalid("email", "%.60q is not an e-mail address such as asha@acme.example", s)
	}
	return nil
}
