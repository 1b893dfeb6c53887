package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"fieldcast/simulate/crowd"
)

// signOn is a company's sign-on server, which may be away.
type signOn struct {
	*httptest.Server
	key  *ecdsa.PrivateKey
	kid  string
	keys atomic.Pointer[string] // as it publishes them
	away atomic.Bool
}

func newSignOn(t *testing.T) *signOn {
	s := &signOn{}
	s.rotate(t, "k")
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s.away.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte(*s.keys.Load())) // a client that is gone asks again
	}))
	t.Cleanup(s.Close)
	return s
}

// rotate puts a new key in place of the old one.
func (s *signOn) rotate(t *testing.T, kid string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	point, err := key.PublicKey.Bytes() // 4, x, y
	must(t, err)
	b64 := base64.RawURLEncoding.EncodeToString
	keys := fmt.Sprintf(`{"keys":[{"kid":%q,"kty":"EC","crv":"P-256","x":%q,"y":%q}]}`, kid, b64(point[1:33]), b64(point[33:]))
	s.key, s.kid = key, kid
	s.keys.Store(&keys)
}

func (s *signOn) token(t *testing.T, claims jwt.MapClaims) string {
	all := jwt.MapClaims{"iss": "https://login.acme.example", "aud": "fieldcast", "sub": "17", "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range claims {
		all[name] = value
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, all)
	token.Header["kid"] = s.kid
	text, err := token.SignedString(s.key)
	must(t, err)
	return text
}

// TestCompanySignOn: people, programs and phones with tokens of the company's
// own server, by REST and MQTT; that server may be away, and speaks for nobody
// else.
func TestCompanySignOn(t *testing.T) {
	idp := newSignOn(t)
	idp.away.Store(true)
	issuers, err := json.Marshal([]map[string]any{{
		"issuer": "https://login.acme.example", "jwks_url": idp.URL, "audience": "fieldcast", "algorithms": []string{"ES256"}, "company": "acme",
		"role": "viewer", "role_claim": "groups", "roles": map[string]string{"phones": "device", "programs": "integrator"}, "employee_claim": "badge",
	}})
	must(t, err)
	s := newServer(t, "")
	s.Env = []string{"FIELDCAST_IDENTITY_ISSUERS=" + string(issuers)}
	s.start() // though the sign-on server is away
	s.cli("company", "add", "acme")
	s.cli("company", "add", "other")
	crew(t, s, 1)

	person := idp.token(t, nil)
	const positions = "/api/v1/companies/acme/positions"
	if code := s.status(positions, person); code != http.StatusUnauthorized {
		t.Errorf("with keys that are not known: %d", code)
	}
	if code := s.status(positions, s.token("acme", "viewer")); code != http.StatusOK {
		t.Errorf("own tokens while the sign-on server is away: %d", code)
	}
	idp.away.Store(false)
	eventually(t, 60*time.Second, "its keys are known", func() bool { return s.status(positions, person) == http.StatusOK })
	idp.away.Store(true) // and what is known stays

	phone := idp.token(t, jwt.MapClaims{"groups": []string{"staff", "phones"}, "badge": "e1", "sub": "e1"})
	must(t, publishTLS("tcp://"+s.MQTT, crowd.Phone{Employee: "e1", Username: "e1@acme", Password: phone, ClientID: "x"}, nil, 3))
	eventually(t, 10*time.Second, "the phone's fixes are stored", func() bool { return s.stats("acme", person).Fixes == 3 })

	program := idp.token(t, jwt.MapClaims{"groups": "programs", "acl": map[string]any{"sub": []string{"#", "fc/other/#"}}})
	for path, want := range map[string]int{
		positions: http.StatusOK, "/api/v1/companies/other/positions": http.StatusNotFound,
	} {
		for name, token := range map[string]string{"person": person, "program": program} {
			if code := s.status(path, token); code != want {
				t.Errorf("%s on %s: %d, want %d", name, path, code, want)
			}
		}
	}
	for name, claims := range map[string]jwt.MapClaims{
		"for another service": {"aud": "payroll"}, "of another issuer": {"iss": "https://login.other.example"},
		"for a year": {"exp": time.Now().Add(8760 * time.Hour).Unix()}, "expired": {"exp": time.Now().Add(-time.Minute).Unix()},
	} {
		if code := s.status(positions, idp.token(t, claims)); code != http.StatusUnauthorized {
			t.Errorf("a token %s: %d", name, code)
		}
	}
	if err := publishTLS("tcp://"+s.MQTT, crowd.Phone{Employee: "e2", Username: "e2@acme", Password: phone, ClientID: "x"}, nil, 1); err == nil {
		t.Error("a phone connects with another's token")
	}

	refusedConnects(t, s, idp, phone)

	idp.away.Store(false)
	idp.rotate(t, "k2")
	rotated := idp.token(t, jwt.MapClaims{"groups": "phones", "badge": "e1", "sub": "e1"})
	login := func(password string) error {
		return publishTLS("tcp://"+s.MQTT, crowd.Phone{Employee: "e1", Username: "e1@acme", Password: password, ClientID: "x"}, nil, 0)
	}
	eventually(t, 60*time.Second, "a phone with the new key is let in", func() bool { return login(rotated) == nil })
	if login(phone) == nil {
		t.Error("a phone connects with a key that is gone")
	}

	brief := idp.token(t, jwt.MapClaims{"exp": time.Now().Add(3 * time.Second).Unix()})
	reader := connect(t, s, crowd.Phone{Username: "u", Password: brief, ClientID: "brief"})
	defer reader.Disconnect(0)
	eventually(t, 20*time.Second, "the connection ends with its token", func() bool { return !reader.IsConnectionOpen() })
	if log := s.Log.String(); strings.Contains(log, person[20:60]) || strings.Contains(log, phone[20:60]) {
		t.Error("a token is in the log")
	}
}

// refusedConnects: bad tokens by a real CONNECT, beside a good one.
func refusedConnects(t *testing.T, s *server, idp *signOn, good string) {
	t.Helper()
	claims := jwt.MapClaims{
		"iss": "https://login.acme.example", "aud": "fieldcast", "sub": "e1", "groups": "phones", "badge": "e1", "exp": time.Now().Add(time.Hour).Unix(),
	}
	sign := func(method jwt.SigningMethod, key any, header map[string]any) string {
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = "k"
		for name, value := range header {
			token.Header[name] = value
		}
		text, err := token.SignedString(key)
		must(t, err)
		return text
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	public, err := idp.key.PublicKey.Bytes()
	must(t, err)
	changed := func(name string, value any) string {
		return idp.token(t, jwt.MapClaims{"groups": "phones", "badge": "e1", "sub": "e1", name: value})
	}
	login := func(password string) error {
		return publishTLS("tcp://"+s.MQTT, crowd.Phone{Employee: "e1", Username: "e1@acme", Password: password, ClientID: "x"}, nil, 0)
	}
	for name, password := range map[string]string{
		"unsigned":                 sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"the public key as secret": sign(jwt.SigningMethodHS256, public, nil),
		"a stranger's key":         sign(jwt.SigningMethodES256, stranger, nil),
		"a key in the header":      sign(jwt.SigningMethodES256, stranger, map[string]any{"jku": idp.URL, "x5u": idp.URL, "jwk": map[string]string{"kty": "EC"}}),
		"another curve":            sign(jwt.SigningMethodES384, p384, nil),
		"a kid that is a path":     sign(jwt.SigningMethodES256, idp.key, map[string]any{"kid": "../keys/token.key"}),
		"something critical":       sign(jwt.SigningMethodES256, idp.key, map[string]any{"crit": []string{"b64"}}),
		"expired":                  changed("exp", time.Now().Add(-time.Minute).Unix()),
		"not yet valid":            changed("nbf", time.Now().Add(time.Hour).Unix()),
		"never expires":            changed("exp", nil),
		"for another service":      changed("aud", "payroll"),
		"no badge":                 changed("badge", "e1/#"),
		"without signature":        good[:strings.LastIndex(good, ".")+1],
		"cut off":                  good[:len(good)-2],
		"huge":                     changed("x", strings.Repeat("x", 40<<10)), // in base64 what a password may have at most
	} {
		if login(password) == nil {
			t.Errorf("a phone connects with a token that is %s", name)
		}
	}
	if err := login(good); err != nil {
		t.Errorf("and the good one is refused: %v", err)
	}
}
