package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"fieldcast/identity"
	"fieldcast/track"
)

func TestOutsideTokens(t *testing.T) {
	now := time.Now()
	server := newSignOn(t, "rsa", "ec", "ed")
	s := trusting(t, nil, companySignOn(server))
	methods := map[string]jwt.SigningMethod{"rsa": jwt.SigningMethodRS256, "ec": jwt.SigningMethodES256, "ed": jwt.SigningMethodEdDSA}
	for kid, method := range methods {
		id := known(t, s, signAs(t, method, kid, server.keys[kid], theirs(now)))
		if id.TokenID == "" || id.TokenID == "j1" {
			t.Errorf("token id %q: another issuer's j1 would be the same", id.TokenID)
		}
		id.TokenID = ""
		want := track.Identity{Subject: idp + "#auth0|17", Role: track.RoleManager, Company: "acme", ExpiresAt: time.Unix(now.Add(time.Hour).Unix(), 0)}
		if !reflect.DeepEqual(id, want) {
			t.Errorf("%s: got %+v, want %+v", kid, id, want)
		}
	}
	sign := func(changes jwt.MapClaims) string {
		return signAs(t, jwt.SigningMethodRS256, "rsa", server.keys["rsa"], with(theirs(now), changes))
	}
	phone := sign(jwt.MapClaims{"roles": "phone"})
	if id, err := s.Authenticate("e17@acme", phone); err != nil || id.Employee != "e17" || id.Role != track.RoleDevice {
		t.Errorf("a phone: %+v, %v", id, err)
	}
	if _, err := s.Authenticate("e18@acme", phone); !errors.Is(err, identity.ErrOtherUser) {
		t.Errorf("a phone with another's name: %v", err)
	}
	// Without kid, each key is tried.
	if _, err := s.Verify(signAs(t, jwt.SigningMethodES256, "", server.keys["ec"], theirs(now))); err != nil {
		t.Errorf("without kid: %v", err)
	}
	// Our own tokens count as before.
	if _, err := s.Verify(sign(nil)); err != nil {
		t.Error(err)
	}
	own, err := s.Issue(t.Context(), identity.Grant{Role: track.RoleViewer, Company: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	if id, err := s.Verify(own); err != nil || id.Role != track.RoleViewer {
		t.Errorf("an own token: %+v, %v", id, err)
	}
}

func TestOutsideTokensRefused(t *testing.T) {
	now := time.Now()
	server := newSignOn(t, "rsa", "ec", "ed")
	var log syncBuffer
	s := trusting(t, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), companySignOn(server))
	key := server.keys["rsa"].(*rsa.PrivateKey)
	good := signAs(t, jwt.SigningMethodRS256, "rsa", key, theirs(now))
	known(t, s, good)
	sign := func(changes jwt.MapClaims) string {
		return signAs(t, jwt.SigningMethodRS256, "rsa", key, with(theirs(now), changes))
	}
	pem, err := json.Marshal(jwk("rsa", key))
	if err != nil {
		t.Fatal(err)
	}
	stranger := newSigner(t, "rsa")
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	head := func(h string) string { return base64.RawURLEncoding.EncodeToString([]byte(h)) }
	_, signed, _ := strings.Cut(good, ".")
	body, _, _ := strings.Cut(signed, ".")
	for name, tt := range map[string]struct {
		token string
		want  error
	}{
		"alg none":                     {head(`{"alg":"none","kid":"rsa"}`) + "." + body + ".", identity.ErrBadSignature},
		"alg NonE":                     {head(`{"alg":"NonE","kid":"rsa"}`) + "." + body + ".", identity.ErrBadSignature},
		"no alg":                       {head(`{"kid":"rsa"}`) + "." + signed, identity.ErrBadSignature},
		"the public key as HMAC":       {signAs(t, jwt.SigningMethodHS256, "rsa", pem, theirs(now)), identity.ErrBadSignature},
		"our key as HMAC":              {signAs(t, jwt.SigningMethodHS256, "rsa", testKey, theirs(now)), identity.ErrBadSignature},
		"the modulus as HMAC":          {signAs(t, jwt.SigningMethodHS256, "rsa", key.N.Bytes(), theirs(now)), identity.ErrBadSignature},
		"an algorithm not listed":      {signAs(t, jwt.SigningMethodRS512, "rsa", key, theirs(now)), identity.ErrBadSignature},
		"another algorithm of the key": {signAs(t, jwt.SigningMethodPS256, "rsa", key, theirs(now)), identity.ErrBadSignature},
		"a stranger's key":             {signAs(t, jwt.SigningMethodRS256, "rsa", stranger, theirs(now)), identity.ErrBadSignature},
		"a stranger's curve":           {signAs(t, jwt.SigningMethodES384, "ec", p384, theirs(now)), identity.ErrBadSignature},
		"another key's kid":            {signAs(t, jwt.SigningMethodRS256, "ec", key, theirs(now)), identity.ErrBadSignature},
		"an unknown kid":               {signAs(t, jwt.SigningMethodRS256, "new", key, theirs(now)), identity.ErrUnknownKey},
		"a kid that is a path":         {signAs(t, jwt.SigningMethodRS256, "../../keys/token.key", key, theirs(now)), identity.ErrUnknownKey},
		"a kid that is a URL":          {signAs(t, jwt.SigningMethodRS256, server.URL, key, theirs(now)), identity.ErrUnknownKey},
		"a key in the header":          {signAs(t, jwt.SigningMethodRS256, "new", stranger, theirs(now), "jku", server.URL, "x5u", server.URL, "jwk", string(pem)), identity.ErrUnknownKey},
		"something critical":           {signAs(t, jwt.SigningMethodRS256, "rsa", key, theirs(now), "crit", "b64"), identity.ErrBadSignature},
		"expired":                      {sign(jwt.MapClaims{"exp": now.Add(-time.Second).Unix()}), identity.ErrExpired},
		"not yet valid":                {sign(jwt.MapClaims{"nbf": now.Add(time.Minute).Unix()}), identity.ErrNotYetValid},
		"issued in the future":         {sign(jwt.MapClaims{"iat": now.Add(time.Minute).Unix()}), identity.ErrNotYetValid},
		"never expires":                {sign(jwt.MapClaims{"exp": nil}), identity.ErrBadClaims},
		"expires far too late":         {sign(jwt.MapClaims{"exp": now.Add(25 * time.Hour).Unix()}), identity.ErrTooLong},
		"another audience":             {sign(jwt.MapClaims{"aud": "other"}), identity.ErrWrongAudience},
		"no audience":                  {sign(jwt.MapClaims{"aud": nil}), identity.ErrBadClaims},
		"another issuer":               {sign(jwt.MapClaims{"iss": "https://login.other.example"}), identity.ErrBadSignature},
		"our own issuer":               {sign(jwt.MapClaims{"iss": "fieldcast"}), identity.ErrBadSignature},
		"no subject":                   {sign(jwt.MapClaims{"sub": ""}), identity.ErrBadClaims},
		"a huge subject":               {sign(jwt.MapClaims{"sub": strings.Repeat("x", 256)}), identity.ErrBadClaims},
		"no role":                      {sign(jwt.MapClaims{"roles": "staff"}), identity.ErrBadClaims},
		"a role that is not mapped":    {sign(jwt.MapClaims{"roles": "admin"}), identity.ErrBadClaims},
		"an operator":                  {sign(jwt.MapClaims{"roles": "operator"}), identity.ErrBadClaims},
		"a phone without a badge":      {sign(jwt.MapClaims{"roles": "phone", "badge": nil}), identity.ErrBadClaims},
		"a phone with a bad badge":     {sign(jwt.MapClaims{"roles": "phone", "badge": "e17/#"}), identity.ErrBadClaims},
		"a program without acl":        {sign(jwt.MapClaims{"roles": "program"}), identity.ErrBadClaims},
		"huge":                         {sign(jwt.MapClaims{"x": strings.Repeat("x", 64<<10)}), identity.ErrTooLarge},
	} {
		if id, err := s.Verify(tt.token); !errors.Is(err, tt.want) || !errors.Is(err, track.ErrUnauthorized) {
			t.Errorf("%s: got %+v, %v, want %v", name, id, err, tt.want)
		}
	}
	for i := range good {
		if id, err := s.Verify(good[:i]); err == nil {
			t.Fatalf("cut at %d of %d: %+v", i, len(good), id)
		}
	}
	if strings.Contains(log.String(), body[:40]) {
		t.Error("a token is in the log")
	}
}

// An issuer speaks for its own company, whatever its tokens say; only one that
// names no company is asked.
func TestIssuersCompany(t *testing.T) {
	now := time.Now()
	server := newSignOn(t, "rsa")
	fixed := companySignOn(server)
	several := companySignOn(server)
	several.Issuer, several.Company, several.CompanyClaim = idp+"/several", "", "tenant"
	several.RoleClaim, several.Roles, several.Role = "realm_access.roles", nil, track.RoleViewer
	s := trusting(t, nil, fixed, several)
	sign := func(c jwt.MapClaims) string {
		return signAs(t, jwt.SigningMethodRS256, "rsa", server.keys["rsa"], c)
	}
	if id := known(t, s, sign(with(theirs(now), jwt.MapClaims{"company": "other", "tenant": "other", "employee": "e1"}))); id.Company != "acme" {
		t.Errorf("got %+v", id)
	}
	for _, tt := range []struct {
		changes       jwt.MapClaims
		company, role string
	}{
		{jwt.MapClaims{}, "acme", "viewer"},
		{jwt.MapClaims{"tenant": "other", "realm_access": map[string]any{"roles": []string{"offline", "manager"}}}, "other", "manager"},
		{jwt.MapClaims{"realm_access": map[string]any{"roles": []string{"operator"}}}, "acme", "viewer"},
		{jwt.MapClaims{"realm_access.roles": "admin"}, "acme", "admin"},
		{jwt.MapClaims{"tenant": nil}, "", ""},
		{jwt.MapClaims{"tenant": "_server"}, "", ""},
		{jwt.MapClaims{"tenant": []string{"acme", "other"}}, "", ""},
	} {
		c := with(theirs(now), tt.changes)
		c["iss"] = several.Issuer
		token := sign(c)
		if tt.company != "" {
			if id := known(t, s, token); id.Company != tt.company || string(id.Role) != tt.role {
				t.Errorf("%v: got %+v", tt.changes, id)
			}
			continue
		}
		if id, err := s.Verify(token); !errors.Is(err, identity.ErrBadClaims) {
			t.Errorf("%v: got %+v, %v", tt.changes, id, err)
		}
	}
}

func TestIssuerValidate(t *testing.T) {
	server := newSignOn(t)
	for name, tt := range map[string]struct {
		change func(*identity.Issuer)
		want   string
	}{
		"no issuer":         {func(i *identity.Issuer) { i.Issuer = "" }, "issuer"},
		"our own":           {func(i *identity.Issuer) { i.Issuer = "fieldcast" }, "own name"},
		"no audience":       {func(i *identity.Issuer) { i.Audience = "" }, "audience"},
		"no company":        {func(i *identity.Issuer) { i.Company = "" }, "company"},
		"two companies":     {func(i *identity.Issuer) { i.CompanyClaim = "tenant" }, "company"},
		"a bad company":     {func(i *identity.Issuer) { i.Company = "Acme" }, "company"},
		"no role":           {func(i *identity.Issuer) { i.RoleClaim = "" }, "role"},
		"an operator":       {func(i *identity.Issuer) { i.Role = track.RoleOperator }, "role"},
		"maps to operator":  {func(i *identity.Issuer) { i.Roles = map[string]track.Role{"root": track.RoleOperator} }, "role"},
		"HMAC":              {func(i *identity.Issuer) { i.Algorithms = []string{"HS256"} }, "algorithms"},
		"none":              {func(i *identity.Issuer) { i.Algorithms = []string{"none"} }, "algorithms"},
		"keys without TLS":  {func(i *identity.Issuer) { i.JWKSURL = "http://login.acme.example/keys" }, "https"},
		"keys from a file":  {func(i *identity.Issuer) { i.JWKSURL = "file:///etc/keys" }, "jwks_url"},
		"a negative max":    {func(i *identity.Issuer) { i.MaxTTL = -1 }, "max_ttl"},
		"a loopback lookup": {func(i *identity.Issuer) { i.JWKSURL = "http://127.0.0.1.evil.example/keys" }, "https"},
	} {
		i := companySignOn(server)
		tt.change(&i)
		if err := i.Validate(); !errors.Is(err, track.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := companySignOn(server).Validate(); err != nil {
		t.Error(err)
	}
	i := companySignOn(server)
	if _, err := identity.New(identity.Options{Store: newMemory(), Key: testKey, Issuers: []identity.Issuer{i, i}}); err == nil {
		t.Error("one issuer may be there twice")
	}
}
