package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"fieldcast/track"
)

// The cost of a hash: 19 MiB, two passes, one lane, as OWASP's password storage
// cheat sheet recommends for argon2id.
const (
	hashMemoryKiB = 19 << 10
	hashPasses    = 2
	hashLanes     = 1
	saltBytes     = 16
	sumBytes      = 32
)

// The rules for passwords. The upper bound keeps a login from hashing whatever
// size somebody sends.
const (
	minPasswordChars = 10
	maxPasswordBytes = 1024
)

// hashWait is how long a login waits for its turn to hash.
const hashWait = 10 * time.Second

// CheckPassword returns nil if a password may be chosen; otherwise a
// [track.ErrInvalid] that says what is allowed.
func CheckPassword(password string) error {
	switch {
	case len(password) > maxPasswordBytes:
		return track.Invalid("password", "must not be longer than %d bytes", maxPasswordBytes)
	case !utf8.ValidString(password):
		return track.Invalid("password", "must be text in UTF-8")
	case utf8.RuneCountInString(password) < minPasswordChars:
		return track.Invalid("password", "must have at least %d characters", minPasswordChars)
	}
	return nil
}

// hasher hashes a few passwords at a time, since each takes 19 MiB.
type hasher struct {
	turns  chan struct{}
	absent phc // what the password of nobody is compared with
}

func newHasher() *hasher {
	absent := newPHC()
	absent.sum = random(sumBytes) // matches nothing, so it needs no hashing
	return &hasher{turns: make(chan struct{}, min(runtime.GOMAXPROCS(0), 4)), absent: absent}
}

// hash returns the PHC string of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	p := newPHC()
	sum, err := h.sum(ctx, p, password)
	if err != nil {
		return "", err
	}
	p.sum = sum
	return p.String(), nil
}

// matches reports whether a password has this hash. An empty hash stands for
// somebody who does not exist, and takes as long as any other.
func (h *hasher) matches(ctx context.Context, hash, password string) (bool, error) {
	p, exists := h.absent, hash != ""
	if exists {
		var err error
		if p, err = parsePHC(hash); err != nil {
			return false, err
		}
	}
	sum, err := h.sum(ctx, p, password)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, p.sum) == 1 && exists, nil
}

func (h *hasher) sum(ctx context.Context, p phc, password string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, hashWait, fmt.Errorf("%w: too many logins at once", track.ErrUnavailable))
	defer cancel()
	select {
	case h.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-h.turns }()
	return argon2.IDKey([]byte(password), p.salt, p.passes, p.memory, p.lanes, uint32(len(p.sum))), nil
}

// phc is a hash in the string form of the Password Hashing Competition:
// $argon2id$v=19$m=19456,t=2,p=1$salt$sum
type phc struct {
	memory, passes uint32 // memory in KiB
	lanes          uint8
	salt, sum      []byte
}

// newPHC returns the form of a new hash, without its sum.
func newPHC() phc {
	return phc{memory: hashMemoryKiB, passes: hashPasses, lanes: hashLanes, salt: random(saltBytes), sum: make([]byte, sumBytes)}
}

// String writes the hash.
func (p phc) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.passes, p.lanes, b64(p.salt), b64(p.sum))
}

var errBadHash = errors.New("stored password hash is not argon2id, or costs too much")

// parsePHC reads a hash. What it may cost is bounded: a row of the database must
// not take the server's memory.
func parsePHC(s string) (phc, error) {
	const maxMemoryKiB, maxPasses, maxLanes = 256 << 10, 16, 16
	var p phc
	parts := strings.Split(s, "$")
	if len(parts) != 6 {
		return p, errBadHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.lanes); err != nil {
		return p, errBadHash
	}
	var err1, err2 error
	p.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	p.sum, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	if err := errors.Join(err1, err2); err != nil || p.String() != s {
		return p, errBadHash
	}
	if p.memory < 8 || p.memory > maxMemoryKiB || p.passes < 1 || p.passes > maxPasses || p.lanes < 1 || p.lanes > maxLanes ||
		len(p.salt) < 8 || len(p.salt) > 64 || len(p.sum) < 16 || len(p.sum) > 64 {
		return p, errBadHash
	}
	return p, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, by its contract
	return b
}
