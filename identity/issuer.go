package identity

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"fieldcast/track"
)

// DefaultMaxTTL is how long a token of somebody else may be valid when nobody
// says otherwise. It cannot be revoked here, so it must not live long.
const DefaultMaxTTL = 24 * time.Hour

// Issuer is somebody else whose tokens count, such as a company's sign-on. Its
// keys are read from a JWKS (RFC 7517), and its claims say who somebody is.
type Issuer struct {
	Issuer     string   // the claim iss, exactly
	JWKSURL    string   // https; http only on this machine
	Audience   string   // must be in the claim aud
	Algorithms []string // those that are accepted: RS256, ES256, EdDSA; empty: RS256

	// Company is whom the issuer speaks for. An issuer of several names the
	// company in a claim instead: then it is trusted with all of them.
	Company      string
	CompanyClaim string

	// Role is everybody's, unless RoleClaim gives another: a string or a list of
	// them, dots lead into objects. Roles translates its values, whatever their
	// case; without it they are names of roles. Nobody becomes an operator.
	Role      track.Role
	RoleClaim string
	Roles     map[string]track.Role

	EmployeeClaim string        // for phones
	MaxTTL        time.Duration // a token that is valid for longer is refused; 0: DefaultMaxTTL
}

// Validate returns a [track.ErrInvalid] that says what to change.
func (i Issuer) Validate() error {
	switch {
	case i.Issuer == "":
		return track.Invalid("issuer", "is missing: give the claim iss of its tokens")
	case i.Issuer == issuer:
		return track.Invalid("issuer", "%q is this server's own name", i.Issuer)
	case i.Audience == "":
		return track.Invalid("audience", "of %s is missing: without it tokens for other services would count", i.Issuer)
	case (i.Company == "") == (i.CompanyClaim == ""):
		return track.Invalid("company", "of %s: give either company or company_claim", i.Issuer)
	case i.Role == "" && i.RoleClaim == "":
		return track.Invalid("role", "of %s: give role, role_claim or both", i.Issuer)
	case i.MaxTTL < 0:
		return track.Invalid("max_ttl", "of %s must not be negative", i.Issuer)
	}
	if i.Company != "" {
		if err := track.CheckCompany(i.Company); err != nil {
			return err
		}
	}
	for _, alg := range i.Algorithms {
		if !slices.Contains(algorithms, alg) {
			return track.Invalid("algorithms", "of %s: %q is not one of %s", i.Issuer, alg, strings.Join(algorithms, ", "))
		}
	}
	for _, role := range append(values(i.Roles), cmp.Or(i.Role, track.RoleViewer)) {
		if !role.Valid() || role == track.RoleOperator {
			return track.Invalid("role", "of %s: %q is not one of device, viewer, manager, admin, integrator", i.Issuer, role)
		}
	}
	return checkJWKSURL(i.JWKSURL)
}

// algorithms are those with public keys that are in use and safe.
var algorithms = []string{"RS256", "ES256", "EdDSA"}

func values(m map[string]track.Role) (out []track.Role) {
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

// checkJWKSURL: who can change the keys on their way can be anybody.
func checkJWKSURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return track.Invalid("jwks_url", "%q is not a URL", s)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || (u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()))) {
		return track.Invalid("jwks_url", "%q must start with https://", s)
	}
	return nil
}

// outside checks the tokens of one issuer.
type outside struct {
	Issuer
	keys   *keySet
	parser *jwt.Parser
	now    func() time.Time
}

func newOutside(i Issuer, keys *keySet, now func() time.Time) *outside {
	if len(i.Algorithms) == 0 {
		i.Algorithms = []string{"RS256"}
	}
	i.MaxTTL = cmp.Or(i.MaxTTL, DefaultMaxTTL)
	if i.Roles != nil { // settings files do not keep the case of keys
		lower := map[string]track.Role{}
		for value, role := range i.Roles {
			lower[strings.ToLower(value)] = role
		}
		i.Roles = lower
	}
	return &outside{Issuer: i, keys: keys, now: now, parser: jwt.NewParser(
		jwt.WithValidMethods(i.Algorithms),
		jwt.WithIssuer(i.Issuer),
		jwt.WithAudience(i.Audience),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(now),
		jwt.WithStrictDecoding(),
	)}
}

// verify returns who a token identifies, or a [Failure]. It does no I/O.
func (o *outside) verify(token string) (track.Identity, error) {
	if len(token) > MaxTokenBytes {
		return track.Identity{}, ErrTooLarge
	}
	c := &outsideClaims{}
	if _, err := o.parser.ParseWithClaims(token, c, o.keys.find); err != nil {
		var unknown *Failure // of the key set
		if errors.As(err, &unknown) {
			return track.Identity{}, unknown
		}
		return track.Identity{}, failure(err)
	}
	now := o.now()
	switch {
	case !now.Before(c.ExpiresAt.Time): // no leeway: see there
		return track.Identity{}, ErrExpired
	case c.ExpiresAt.Sub(now) > o.MaxTTL:
		return track.Identity{}, ErrTooLong
	}
	return o.identity(c, token)
}

// identity is what the claims mean here.
func (o *outside) identity(c *outsideClaims, token string) (track.Identity, error) {
	if c.Subject == "" || len(c.Subject) > 255 {
		return track.Identity{}, ErrBadClaims
	}
	id := track.Identity{
		TokenID: tokenID(o.Issuer.Issuer, cmp.Or(c.ID, token)),
		// An issuer's names are its own: no subject is one of our users.
		Subject:   o.Issuer.Issuer + "#" + c.Subject,
		Role:      o.role(c),
		Company:   cmp.Or(o.Company, c.text(o.CompanyClaim)),
		ExpiresAt: c.ExpiresAt.Time,
	}
	if id.Role == track.RoleDevice {
		id.Employee = c.text(o.EmployeeClaim)
	}
	if id.Role == track.RoleIntegrator {
		if track.CheckCompany(id.Company) != nil {
			return track.Identity{}, ErrBadClaims
		}
		var err error
		if id.Rules, err = readACL(c.all["acl"], id.Company); err != nil {
			return track.Identity{}, err
		}
	}
	if checkIdentity(id) != nil {
		return track.Identity{}, ErrBadClaims
	}
	return id, nil
}

// role is the highest of those that the claims give; empty if there is none.
func (o *outside) role(c *outsideClaims) track.Role {
	given := map[track.Role]bool{}
	for _, value := range c.texts(o.RoleClaim) {
		role := track.Role(value)
		if o.Roles != nil {
			role = o.Roles[strings.ToLower(value)]
		}
		given[role] = true
	}
	for _, role := range []track.Role{track.RoleAdmin, track.RoleManager, track.RoleViewer, track.RoleIntegrator, track.RoleDevice} {
		if given[role] {
			return role
		}
	}
	return o.Role
}

// issuerOf reads who says to have issued a token, without believing it.
func issuerOf(token string) string {
	_, rest, _ := strings.Cut(token, ".")
	body, _, _ := strings.Cut(rest, ".")
	if len(token) > MaxTokenBytes {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return ""
	}
	var c struct {
		Iss string `json:"iss"`
	}
	if json.Unmarshal(raw, &c) != nil {
		return ""
	}
	return c.Iss // in any case of letters; verify wants it in lower case
}
