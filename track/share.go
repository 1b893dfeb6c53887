package track

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Share is a link by which somebody without a login sees where one person is,
// until it ends. The token in the link is kept as a digest only.
type Share struct {
	ID        string    `json:"id"`
	Company   string    `json:"company"`
	Employee  string    `json:"employee"`
	Digest    string    `json:"-"`              // SHA-256 of the token, in hex
	Note      string    `json:"note,omitempty"` // for whom it is, as its maker wrote it
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	RevokedAt time.Time `json:"revoked_at,omitzero"` // zero: not
}

// Active reports whether the link shows anything at a moment.
func (s Share) Active(now time.Time) bool { return s.RevokedAt.IsZero() && now.Before(s.ExpiresAt) }

// Limits of shares.
const (
	MaxShares     = 20             // active ones of a person
	MaxShare      = 24 * time.Hour // that one lasts
	MinShare      = time.Minute
	ShareKept     = 7 * 24 * time.Hour // after its end, so that a link can say that it has ended
	maxShareNote  = 120                // characters
	maxShareMaker = 254                // bytes; an e-mail address
)

// Shares knows who may see where somebody is without a login.
type Shares interface {
	// AddShare adds a share. It returns [ErrNotFound] if there is no such person,
	// [ErrConflict] if the person has [MaxShares] active ones at CreatedAt,
	// [ErrExists] if id or digest are there, and [ErrInvalid]. Shares that ended
	// more than [ShareKept] before CreatedAt are forgotten.
	AddShare(ctx context.Context, s Share) error
	// Shares lists a person's shares that are active at a moment, the first to end
	// first; none if there is no such person.
	Shares(ctx context.Context, company, employee string, now time.Time) ([]Share, error)
	// ShareByDigest finds a share, active or not, or returns [ErrNotFound].
	ShareByDigest(ctx context.Context, digest string) (Share, error)
	// RevokeShare ends a share that is active at a moment, or returns [ErrNotFound]
	// if that person has none of this id.
	RevokeShare(ctx context.Context, company, employee, id string, now time.Time) error
}

// CleanShare checks and cleans a share before it is added, or returns
// [ErrInvalid].
func CleanShare(s Share) (Share, error) {
	s.Note = strings.TrimSpace(s.Note)
	last := s.ExpiresAt.Sub(s.CreatedAt)
	switch {
	case s.ID == "" || len(s.ID) > 64 || strings.ContainsFunc(s.ID, unprintable):
		return s, Invalid("share", "it needs an id")
	case len(s.Digest) != 64 || strings.Trim(s.Digest, "0123456789abcdef") != "":
		return s, Invalid("share", "it needs a digest of its token")
	case s.CreatedAt.IsZero() || last < MinShare || last > MaxShare:
		return s, Invalid("share", "it must last between %v and %v", MinShare, MaxShare)
	case utf8.RuneCountInString(s.Note) > maxShareNote || strings.ContainsFunc(s.Note, unprintable):
		return s, Invalid("note", "it must be one line of at most %d characters", maxShareNote)
	case len(s.CreatedBy) > maxShareMaker || strings.ContainsFunc(s.CreatedBy, unprintable):
		return s, Invalid("share", "its maker cannot be written down")
	}
	s.RevokedAt = time.Time{}
	return s, nil
}

func unprintable(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) }
