package identity

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"

	"fieldcast/track"
)

const (
	keysEvery   = 15 * time.Minute // how often keys are read though nobody misses one
	keysAtMost  = 10 * time.Second // how often at most, whatever strangers make up
	keysSlowest = 5 * time.Minute  // after many failures; after the first, half of keysAtMost

	maxJWKS = 1 << 20
)

// newIssuers makes what checks the tokens of others, by the claim iss.
func newIssuers(o Options) (map[string]*outside, error) {
	if len(o.Issuers) == 0 {
		return nil, nil
	}
	fetches := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fieldcast_identity_key_fetches_total", Help: "Attempts to read the keys of another issuer.",
	}, []string{"issuer", "result"})
	if o.Registerer != nil {
		o.Registerer.MustRegister(fetches)
	}
	issuers := map[string]*outside{}
	for _, i := range o.Issuers {
		if err := i.Validate(); err != nil {
			return nil, err
		}
		if issuers[i.Issuer] != nil {
			return nil, track.Invalid("issuer", "%s is there twice", i.Issuer)
		}
		issuers[i.Issuer] = newOutside(i, newKeySet(i.Issuer, i.JWKSURL, o.Logger, fetches, cmp.Or(o.KeysAtMost, keysAtMost)), o.Now)
	}
	return issuers, nil
}

// RunIssuers reads the keys of other issuers until ctx ends, and then returns
// nil. While an issuer is away, its known keys stay in force.
func (s *Service) RunIssuers(ctx context.Context) error {
	var all sync.WaitGroup
	for _, o := range s.issuers {
		all.Go(func() { o.keys.run(ctx) })
	}
	all.Wait()
	<-ctx.Done()
	return nil
}

// keySet is the keys of an issuer. They are read in the background: who logs
// in never waits for somebody else's server, and while that is away, the keys
// that are known stay.
type keySet struct {
	issuer, url string
	client      *http.Client
	log         *slog.Logger
	fetches     *prometheus.CounterVec
	pace        time.Duration // keysAtMost

	known  atomic.Pointer[keyfunc.Keyfunc]
	missed chan struct{} // somebody came with a key that is not known
}

func newKeySet(issuer, url string, log *slog.Logger, fetches *prometheus.CounterVec, pace time.Duration) *keySet {
	return &keySet{
		issuer: issuer, url: url, log: log, fetches: fetches, pace: pace, missed: make(chan struct{}, 1),
		client: &http.Client{
			Timeout:       10 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("it redirects, which is not followed") },
		},
	}
}

// find is a [jwt.Keyfunc]. It returns [ErrUnknownKey], and asks for the keys to
// be read again, if the token names none that is known.
func (k *keySet) find(token *jwt.Token) (any, error) {
	if _, critical := token.Header["crit"]; critical { // must be understood (RFC 7515, 4.1.11), and none is
		return nil, ErrBadSignature
	}
	if known := k.known.Load(); known != nil {
		if key, err := (*known).Keyfunc(token); err == nil {
			return key, nil
		}
	}
	select {
	case k.missed <- struct{}{}:
	default: // asked for already
	}
	return nil, ErrUnknownKey
}

// run reads the keys until ctx ends.
func (k *keySet) run(ctx context.Context) {
	failures := 0
	for {
		err := k.fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := keysEvery
		if err != nil {
			k.fetches.WithLabelValues(k.issuer, "error").Inc()
			if failures++; failures == 1 {
				k.log.Warn("cannot read the keys of an issuer; those that are known stay", "issuer", k.issuer, "error", err)
			}
			wait = min(k.pace/2<<min(failures-1, 10), keysSlowest)
			wait = wait/2 + rand.N(wait)
		} else {
			k.fetches.WithLabelValues(k.issuer, "ok").Inc()
			if failures > 0 {
				k.log.Info("the keys of an issuer are read again", "issuer", k.issuer)
			}
			failures = 0
		}
		if !k.sleep(ctx, wait, err == nil) {
			return
		}
	}
}

// sleep waits, less long if somebody misses a key. It reports false when ctx
// has ended.
func (k *keySet) sleep(ctx context.Context, wait time.Duration, wakeable bool) bool {
	pace, end := time.NewTimer(min(k.pace, wait)), time.NewTimer(wait)
	defer pace.Stop()
	defer end.Stop()
	missed := k.missed
	if !wakeable {
		missed = nil // it is being tried again anyway
	}
	select {
	case <-pace.C:
	case <-ctx.Done():
		return false
	}
	select {
	case <-missed:
	case <-end.C:
	case <-ctx.Done():
		return false
	}
	return true
}

func (k *keySet) fetch(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := k.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", k.url, resp.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxJWKS+1))
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", k.url, err)
	case len(raw) > maxJWKS:
		return fmt.Errorf("%s has more than %d bytes", k.url, maxJWKS)
	}
	known, err := readKeys(raw)
	if err != nil {
		return fmt.Errorf("keys of %s: %w", k.url, err)
	}
	k.known.Store(&known)
	return nil
}

// publicKey is what counts of a key (RFC 7517, RFC 7518 section 6). Certificates
// and the addresses of certificates are left behind: nobody's keys make this
// server ask somewhere else.
type publicKey struct {
	Type      string `json:"kty"`
	ID        string `json:"kid,omitempty"`
	Use       string `json:"use,omitempty"`
	Algorithm string `json:"alg,omitempty"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
}

// readKeys returns the keys of a set that signatures can be checked with. Keys
// for encryption, shared secrets and kinds that are not known may be beside
// them; an issuer that adds such a one locks nobody out.
func readKeys(raw []byte) (keyfunc.Keyfunc, error) {
	var all struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, errors.New("this is not a set of keys in JSON")
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	for _, raw := range all.Keys {
		var key publicKey
		if json.Unmarshal(raw, &key) != nil || key.Type == "oct" || (key.Use != "" && key.Use != "sig") {
			continue
		}
		public, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		if _, err := keyfunc.NewJWKJSON(public); err == nil {
			set.Keys = append(set.Keys, public)
		}
	}
	if len(set.Keys) == 0 {
		return nil, fmt.Errorf("none of %d can be used", len(all.Keys))
	}
	public, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	return keyfunc.NewJWKSetJSON(public)
}

// tokenID names a token of somebody else, so that a connection can be told
// from another's.
func tokenID(issuer, id string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + id))
	return "x-" + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15])
}
