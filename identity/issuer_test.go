package identity_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"

	"fieldcast/identity"
	"fieldcast/track"
)

// signOn is somebody else's sign-on server.
type signOn struct {
	*httptest.Server
	mu     sync.Mutex
	keys   map[string]crypto.Signer // by kid
	answer http.HandlerFunc         // in place of the keys
	asked  atomic.Int32
}

func newSignOn(tb testing.TB, kids ...string) *signOn {
	tb.Helper()
	s := &signOn{keys: map[string]crypto.Signer{}}
	for _, kid := range kids {
		s.keys[kid] = newSigner(tb, kid)
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.answer != nil {
			s.answer(w, r)
			return
		}
		var set struct {
			Keys []map[string]string `json:"keys"`
		}
		for kid, key := range s.keys {
			set.Keys = append(set.Keys, jwk(kid, key))
		}
		_ = json.NewEncoder(w).Encode(set) // to a recorder of ours
	}))
	tb.Cleanup(s.Close)
	return s
}

func (s *signOn) set(kid string, key crypto.Signer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = map[string]crypto.Signer{kid: key}
}

func (s *signOn) answers(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = h
}

// newSigner makes a key whose kind its name begins with.
func newSigner(tb testing.TB, kid string) crypto.Signer {
	tb.Helper()
	var key crypto.Signer
	var err error
	switch {
	case strings.HasPrefix(kid, "ec"):
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case strings.HasPrefix(kid, "ed"):
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func jwk(kid string, key crypto.Signer) map[string]string {
	b64 := base64.RawURLEncoding.EncodeToString
	switch public := key.Public().(type) {
	case *ecdsa.PublicKey:
		point, _ := public.Bytes() // 4, x, y
		return map[string]string{"kid": kid, "kty": "EC", "crv": "P-256", "use": "sig", "x": b64(point[1:33]), "y": b64(point[33:])}
	case ed25519.PublicKey:
		return map[string]string{"kid": kid, "kty": "OKP", "crv": "Ed25519", "use": "sig", "x": b64(public)}
	case *rsa.PublicKey:
		return map[string]string{"kid": kid, "kty": "RSA", "use": "sig", "alg": "RS256", "n": b64(public.N.Bytes()), "e": b64(big.NewInt(int64(public.E)).Bytes())}
	}
	return nil
}

func signAs(tb testing.TB, method jwt.SigningMethod, kid string, key any, c jwt.MapClaims, header ...string) string {
	tb.Helper()
	token := jwt.NewWithClaims(method, c)
	if kid != "" {
		token.Header["kid"] = kid
	}
	for i := 0; i+1 < len(header); i += 2 {
		token.Header[header[i]] = header[i+1]
	}
	text, err := token.SignedString(key)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

const idp = "https://login.acme.example"

// theirs are the claims of a manager's token.
func theirs(now time.Time) jwt.MapClaims {
	return jwt.MapClaims{
		"iss": idp, "aud": []string{"fieldcast", "other"}, "sub": "auth0|17", "jti": "j1",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"roles": []string{"staff", "dispatch"}, "tenant": "acme", "badge": "e17",
	}
}

// companySignOn is how acme's sign-on is configured.
func companySignOn(s *signOn) identity.Issuer {
	return identity.Issuer{
		Issuer: idp, JWKSURL: s.URL, Audience: "fieldcast", Algorithms: []string{"RS256", "ES256", "EdDSA"}, Company: "acme",
		RoleClaim: "roles", Roles: map[string]track.Role{"Dispatch": track.RoleManager, "phone": track.RoleDevice, "program": track.RoleIntegrator},
		EmployeeClaim: "badge",
	}
}

// trusting returns a service that knows the keys of an issuer.
func trusting(tb testing.TB, log *slog.Logger, issuers ...identity.Issuer) *identity.Service {
	tb.Helper()
	s, err := identity.New(identity.Options{
		Store: newMemory(), Key: testKey, Logger: log, Issuers: issuers, KeysAtMost: 20 * time.Millisecond, Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.RunIssuers(ctx) // nil
	}()
	tb.Cleanup(func() {
		cancel()
		<-ended
	})
	return s
}

func known(tb testing.TB, s *identity.Service, token string) track.Identity {
	tb.Helper()
	var id track.Identity
	var err error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if id, err = s.Verify(token); !errors.Is(err, identity.ErrUnknownKey) {
			break
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

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

// Keys that are changed are learned by the first who comes with one, and those
// that are gone count no more. While the issuer is away, what is known stays.
func TestKeyRotationAndOutage(t *testing.T) {
	now := time.Now()
	server := newSignOn(t, "rsa1")
	first := signAs(t, jwt.SigningMethodRS256, "rsa1", server.keys["rsa1"], theirs(now))
	server.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	var log syncBuffer
	s := trusting(t, slog.New(slog.NewTextHandler(&log, nil)), companySignOn(server))
	await(t, "the outage is said", func() bool { return strings.Contains(log.String(), "cannot read the keys of an issuer") })
	if _, err := s.Verify(first); !errors.Is(err, identity.ErrUnknownKey) {
		t.Errorf("before the keys are known: %v", err)
	}
	server.answers(nil)
	known(t, s, first)
	if got := strings.Count(log.String(), "cannot read the keys"); got != 1 {
		t.Errorf("the outage was said %d times", got)
	}

	rotated := newSigner(t, "rsa2")
	server.set("rsa2", rotated)
	second := signAs(t, jwt.SigningMethodRS256, "rsa2", rotated, theirs(now))
	known(t, s, second)
	if _, err := s.Verify(first); !errors.Is(err, identity.ErrUnknownKey) {
		t.Errorf("a key that is gone: %v", err)
	}
	for name, answer := range map[string]http.HandlerFunc{
		"an error":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"no JSON":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no keys":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"endless":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 2<<20)) },
		"a bad point": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"ec"}]}`))
		},
	} {
		before := server.asked.Load()
		server.answers(answer)
		miss := signAs(t, jwt.SigningMethodRS256, "made-up", rotated, theirs(now))
		await(t, name+" was asked for", func() bool {
			_, _ = s.Verify(miss) // asks for the keys
			return server.asked.Load() > before
		})
		if _, err := s.Verify(second); err != nil {
			t.Errorf("%s: what is known is lost: %v", name, err)
		}
		recovered := strings.Count(log.String(), "are read again")
		server.answers(nil)
		await(t, "the issuer is back", func() bool { return strings.Count(log.String(), "are read again") > recovered })
	}
}

// Made-up key ids do not make the server ask without end.
func TestUnknownKeysAreBounded(t *testing.T) {
	now := time.Now()
	server := newSignOn(t, "rsa")
	s := trusting(t, nil, companySignOn(server))
	good := signAs(t, jwt.SigningMethodRS256, "rsa", server.keys["rsa"], theirs(now))
	known(t, s, good)
	begun, before := time.Now(), server.asked.Load()
	miss := signAs(t, jwt.SigningMethodRS256, "made-up", server.keys["rsa"], theirs(now))
	for range 20_000 {
		_, _ = s.Verify(miss)
	}
	most := int32(time.Since(begun)/(20*time.Millisecond)) + 2
	if got := server.asked.Load() - before; got > most {
		t.Errorf("the issuer was asked %d times in %v", got, time.Since(begun))
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

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s it was still not so that %s", what)
		}
	}
}

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// FuzzOutsideClaims: whatever a trusted issuer signs, nobody becomes an
// operator or leaves the company that the issuer speaks for.
func FuzzOutsideClaims(f *testing.F) {
	f.Add(`{"roles":"operator"}`)
	f.Add(`{"roles":["program"],"acl":{"sub":["fc/other/#","#"]}}`)
	f.Add(`{"roles":"program","acl":[{"permission":"allow","action":"all","topic":"eq fc/+/${username}/#","qos":[1]}]}`)
	f.Add(`{"roles":"phone","badge":"_server","company":"other","exp":1e300}`)
	server := newSignOn(f, "ed")
	s := trusting(f, nil, companySignOn(server))
	known(f, s, signAs(f, jwt.SigningMethodEdDSA, "ed", server.keys["ed"], theirs(time.Now())))
	f.Fuzz(func(t *testing.T, changes string) {
		var c jwt.MapClaims
		if json.Unmarshal([]byte(changes), &c) != nil {
			return
		}
		for name, value := range theirs(time.Now()) {
			if _, there := c[name]; !there {
				c[name] = value
			}
		}
		id, err := s.Verify(signAs(t, jwt.SigningMethodEdDSA, "ed", server.keys["ed"], c))
		if err != nil {
			if !errors.Is(err, track.ErrUnauthorized) {
				t.Errorf("%s: %v", changes, err)
			}
			return
		}
		if id.Company != "acme" || id.Role == track.RoleOperator || !id.Role.Valid() || id.ExpiresAt.IsZero() {
			t.Errorf("%s is %+v", changes, id)
		}
		for _, topic := range []string{"fc/other/e1/last", "fc/other/_live", "fc/acme/e1/cmd", "$SYS/x"} {
			if id.Role != track.RoleDevice && track.Allow(id, track.Receive, topic) {
				t.Errorf("%s may receive %s", changes, topic)
			}
		}
	})
}
