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
	away atomic.Bool
}

func newSignOn(t *testing.T) *signOn {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	point, err := key.PublicKey.Bytes() // 4, x, y
	must(t, err)
	b64 := base64.RawURLEncoding.EncodeToString
	keys := fmt.Sprintf(`{"keys":[{"kid":"k","kty":"EC","crv":"P-256","x":%q,"y":%q}]}`, b64(point[1:33]), b64(point[33:]))
	s := &signOn{key: key}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s.away.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte(keys)) // a client that is gone asks again
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *signOn) token(t *testing.T, claims jwt.MapClaims) string {
	all := jwt.MapClaims{"iss": "https://login.acme.example", "aud": "fieldcast", "sub": "17", "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range claims {
		all[name] = value
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, all)
	token.Header["kid"] = "k"
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

	brief := idp.token(t, jwt.MapClaims{"exp": time.Now().Add(3 * time.Second).Unix()})
	reader := connect(t, s, crowd.Phone{Username: "u", Password: brief, ClientID: "brief"})
	defer reader.Disconnect(0)
	eventually(t, 20*time.Second, "the connection ends with its token", func() bool { return !reader.IsConnectionOpen() })
	if log := s.Log.String(); strings.Contains(log, person[20:60]) || strings.Contains(log, phone[20:60]) {
		t.Error("a token is in the log")
	}
}
