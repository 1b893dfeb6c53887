package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fieldcast/track"
)

// How long tokens are valid when nobody says otherwise.
const (
	// DeviceTTL is long because nobody visits 2,000 phones twice; a device's
	// token is revoked, not waited for.
	DeviceTTL = 5 * 365 * 24 * time.Hour
	// TokenTTL is for programs and people.
	TokenTTL = time.Hour

	maxTTL = 10 * 365 * 24 * time.Hour
)

// Grant is what a token shall say.
type Grant struct {
	Role     track.Role
	Company  string        // empty only for [track.RoleOperator]
	Employee string        // for [track.RoleDevice]
	Topics   []string      // for [track.RoleIntegrator]: filters below fc/{company}/
	Subject  string        // a name for logs; empty: employee@company, or role@company
	TTL      time.Duration // zero: [DeviceTTL] or [TokenTTL]
}

// Credential is what a phone needs to log in.
type Credential struct {
	Employee string
	Username string // employee@company
	Password string // a signed token
	ClientID string // stable: a phone that is enrolled again keeps its session
}

// Username returns the MQTT user name of an employee's phone.
func Username(company, employee string) string { return employee + "@" + company }

// ClientID returns the MQTT client id of an employee's phone.
func ClientID(company, employee string) string { return company + "-" + employee }

// Issue signs a token and records it, so that it can be revoked. It returns
// [track.ErrInvalid] if the grant does not fit its role, and what the store
// returns if it cannot be recorded. Whether company and employee exist is for
// the caller to check.
func (s *Service) Issue(ctx context.Context, g Grant) (string, error) {
	token, record, err := s.sign(g)
	if err != nil {
		return "", err
	}
	if err := s.store.AddTokens(ctx, []track.Token{record}); err != nil {
		return "", fmt.Errorf("record token: %w", err)
	}
	return token, nil
}

// IssueDevices issues credentials for the phones of employees, all or none, in
// the order of employees. A ttl of zero is [DeviceTTL]. The errors are those of
// [Service.Issue].
func (s *Service) IssueDevices(ctx context.Context, company string, employees []string, ttl time.Duration) ([]Credential, error) {
	credentials := make([]Credential, len(employees))
	records := make([]track.Token, len(employees))
	for i, employee := range employees {
		token, record, err := s.sign(Grant{Role: track.RoleDevice, Company: company, Employee: employee, TTL: ttl})
		if err != nil {
			return nil, err
		}
		records[i] = record
		credentials[i] = Credential{
			Employee: employee,
			Username: Username(company, employee),
			Password: token,
			ClientID: ClientID(company, employee),
		}
	}
	if len(records) == 0 {
		return credentials, nil
	}
	if err := s.store.AddTokens(ctx, records); err != nil {
		return nil, fmt.Errorf("record tokens: %w", err)
	}
	return credentials, nil
}

func (s *Service) sign(g Grant) (string, track.Token, error) {
	id, ttl, err := g.check()
	if err != nil {
		return "", track.Token{}, err
	}
	c := newClaims(id, audienceAccess, s.now(), ttl)
	token, err := s.signer.sign(c)
	if err != nil {
		return "", track.Token{}, fmt.Errorf("sign token: %w", err)
	}
	if len(token) > MaxTokenBytes {
		return "", track.Token{}, track.Invalid("topics", "make a token of %d bytes; at most %d are accepted, so use wildcards", len(token), MaxTokenBytes)
	}
	return token, track.Token{
		ID: c.ID, Role: id.Role, Company: id.Company, Employee: id.Employee,
		IssuedAt: c.IssuedAt.Time, ExpiresAt: c.ExpiresAt.Time,
	}, nil
}

// check returns the identity that the grant describes, and its time to live.
func (g Grant) check() (track.Identity, time.Duration, error) {
	id := track.Identity{Role: g.Role, Company: g.Company, Employee: g.Employee, Topics: g.Topics, Subject: g.Subject}
	if err := checkIdentity(id); err != nil {
		return id, 0, err
	}
	switch {
	case g.Role == track.RoleDevice:
		id.Subject = Username(g.Company, g.Employee)
	case g.Subject == "":
		id.Subject = strings.TrimSuffix(string(g.Role)+"@"+g.Company, "@")
	}
	ttl := g.TTL
	switch {
	case ttl == 0 && g.Role == track.RoleDevice:
		ttl = DeviceTTL
	case ttl == 0:
		ttl = TokenTTL
	case ttl < time.Second || ttl > maxTTL:
		return id, 0, track.Invalid("ttl", "%v must be between 1s and %v", ttl, maxTTL)
	}
	return id, ttl, nil
}

// checkIdentity returns nil if what id holds fits its role; otherwise a
// [track.ErrInvalid] that says what is missing.
func checkIdentity(id track.Identity) error {
	if !id.Role.Valid() {
		return track.Invalid("role", "%q is not one of device, viewer, manager, admin, integrator, operator", id.Role)
	}
	if id.Company != "" || id.Role != track.RoleOperator {
		if err := track.CheckCompany(id.Company); err != nil {
			return err
		}
	}
	switch {
	case id.Role == track.RoleDevice:
		if err := track.CheckEmployee(id.Employee); err != nil {
			return err
		}
	case id.Employee != "":
		return track.Invalid("employee", "is only for devices")
	}
	if id.Role != track.RoleIntegrator {
		if len(id.Topics) > 0 {
			return track.Invalid("topics", "are only for integrators")
		}
		return nil
	}
	if len(id.Topics) == 0 && len(id.Rules) == 0 {
		return track.Invalid("topics", "an integrator needs at least one, such as fc/%s/+/last", id.Company)
	}
	for _, filter := range id.Topics {
		if err := checkTopic(id, filter); err != nil {
			return err
		}
	}
	return nil
}

// checkTopic returns nil if filter stays inside the company as it is written.
func checkTopic(id track.Identity, filter string) error {
	if err := track.CheckFilter(filter); err != nil {
		return err
	}
	if narrowed, ok := track.Narrow(id, filter); !ok || narrowed != filter {
		return track.Invalid("topics", "%q must start with %s/%s/", filter, track.Root, id.Company)
	}
	return nil
}
