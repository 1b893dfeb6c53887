package dashboard

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
)

// shareToken is what makes a link to a person's position work: 256 random bits.
// It stands behind the # of the link, which browsers send to nobody: it is in no
// Referer, in no log of a server or proxy, and no robot that looks at what a link
// leads to has it. The page sends it in a header.
type shareToken string

// sharePrefix lets who finds one tell what it is.
const sharePrefix = "fcs_"

const shareTokenBytes = 32

func newShareToken() shareToken {
	random := make([]byte, shareTokenBytes)
	_, _ = rand.Read(random) // never fails
	return shareToken(sharePrefix + base64.RawURLEncoding.EncodeToString(random))
}

// newShareID is by what managers call a link. It opens nothing.
func newShareID() string { return strings.ToLower(rand.Text()[:16]) }

// digest is what the database knows of a token. There is nothing to guess in 256
// random bits, so it need not be slow.
func (t shareToken) digest() string {
	sum := sha256.Sum256([]byte(t))
	return hex.EncodeToString(sum[:])
}

// plausible reports whether this may be a token at all.
func (t shareToken) plausible() bool {
	random, ok := strings.CutPrefix(string(t), sharePrefix)
	b, err := base64.RawURLEncoding.DecodeString(random)
	return ok && err == nil && len(b) == shareTokenBytes
}

// url is the link, on the host that its maker sees the server under.
func (t shareToken) url(r *http.Request, secure bool) string {
	scheme := "http"
	if secure || r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + "/s#" + string(t)
}

// bearer returns the token of a request, or "".
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
