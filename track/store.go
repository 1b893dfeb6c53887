package track

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Store is the contract of the databases; store/storetest holds them to it.
// All methods are safe for concurrent use. A canceled ctx ends the call with
// the error of ctx, and nothing half done. A database that is away, too busy
// or shutting down gives [ErrUnavailable]: the same call may succeed later.
type Store interface {
	Directory
	Users
	Tokens
	Shares
	Ledger
	// Ping returns nil if the database can take a commit.
	Ping(ctx context.Context) error
	// Close releases everything; later calls give [ErrUnavailable].
	Close() error
}

// Directory knows who there is.
type Directory interface {
	// AddCompany adds a company, or returns [ErrExists] or [ErrInvalid]. A zero
	// CreatedAt is set to the present.
	AddCompany(ctx context.Context, c Company) error
	// Companies lists all companies, by id.
	Companies(ctx context.Context) ([]Company, error)
	// AddEmployees adds all of them, or none: [ErrNotFound] if the company is
	// not there, [ErrExists] if one of them is, [ErrInvalid] for a bad id or team.
	AddEmployees(ctx context.Context, company string, es []Employee) error
	// Employees lists the employees of a company, by id; [ErrNotFound] if there
	// is no such company. An empty company lists those of all.
	Employees(ctx context.Context, company string) ([]Employee, error)
	// SetTeam puts employees into a team of the company, or (team empty) into
	// none; all or none of them. A team comes to be by somebody being put into it,
	// here or by AddEmployees. If it has other members, their way of writing its
	// name stays: names of a company differ by more than case. It returns
	// [ErrNotFound] if the company or one of them is not there, and [ErrInvalid]
	// for a bad name.
	SetTeam(ctx context.Context, company string, employees []string, team string) error
}

// Users knows who may log in.
type Users interface {
	// AddUser adds a user, or returns [ErrExists], or [ErrNotFound] if the
	// company is not there. The e-mail address is stored in lower case.
	AddUser(ctx context.Context, u User) error
	// User finds a user by e-mail address in any case, or returns [ErrNotFound].
	User(ctx context.Context, email string) (User, error)
}

// Tokens knows which tokens were issued and revoked.
type Tokens interface {
	// AddTokens records issued tokens, all or none.
	AddTokens(ctx context.Context, ts []Token) error
	// RevokeTokens revokes the valid tokens that the filter selects and returns
	// how many. RevokedAt is taken from the database's clock.
	RevokeTokens(ctx context.Context, f TokenFilter) (int, error)
	// Revoked lists the tokens revoked at or after since that have not expired.
	Revoked(ctx context.Context, since time.Time) ([]Token, error)
	// IssuedTokens lists the tokens that the filter selects, oldest first.
	IssuedTokens(ctx context.Context, f TokenFilter) ([]Token, error)
}

// TokenFilter selects tokens; empty fields select all, but a filter without
// any field is [ErrInvalid].
type TokenFilter struct {
	ID       string
	Company  string
	Employee string
}

// Ledger keeps what the phones said.
type Ledger interface {
	// Cursor returns the sequence number through which the journal has been
	// committed; 0 at first.
	Cursor(ctx context.Context) (uint64, error)
	// Commit writes a batch in one transaction, cursor included. A fix that is
	// there already (same person, same [Scaled.Digest]) is not written again. Companies
	// and employees that are not in the directory are added to it, so that no
	// acknowledged fix is without a home. A row that the database refuses becomes
	// a rejection, and the rest is written. Returns [ErrConflict] if the cursor
	// does not stand at b.After: another bridge is at work.
	Commit(ctx context.Context, b Batch) (Receipt, error)
	// Positions returns the last-known positions of all people, of one company
	// or (company empty) of all. State and presence are empty.
	Positions(ctx context.Context, company string) ([]Position, error)
	// Fixes returns a page of a person's fixes, oldest first (RecordedAt, then
	// digest), and the cursor of the next page; the zero cursor after the last.
	Fixes(ctx context.Context, f FixFilter) ([]Fix, FixCursor, error)
	// Rejections returns the newest rejections of a company, newest first.
	// Before is exclusive; 0 starts with the newest.
	Rejections(ctx context.Context, company string, before uint64, limit int) ([]Rejection, error)
	// Stats counts what there is of a company, or returns [ErrNotFound].
	Stats(ctx context.Context, company string) (Stats, error)
}

// Batch is what one transaction writes.
type Batch struct {
	After     uint64 // the cursor before
	Through   uint64 // the cursor afterwards
	Fixes     []Fix  // judged, and rounded by [Fix.Round]
	Positions []Position
	Rejected  []Rejection
	Reports   []Report
}

// Receipt tells what became of a batch's fixes.
type Receipt struct {
	Stored    int
	Duplicate int
	Refused   []Rejection // rows that the database refused, now in rejected
}

// FixFilter selects fixes of one person: From <= RecordedAt < To, where a zero
// time is no bound.
type FixFilter struct {
	Company  string
	Employee string
	From, To time.Time
	After    FixCursor // start behind this fix; zero: from the first
	Limit    int       // most fixes; the store may give fewer, and a cursor
}

// FixCursor is a place in the fixes of a person. The zero value is none.
type FixCursor struct {
	RecordedUS int64
	Digest     int64
}

// String writes the cursor for a URL; empty for the zero value.
func (c FixCursor) String() string {
	if c == (FixCursor{}) {
		return ""
	}
	return fmt.Sprintf("%d_%d", c.RecordedUS, c.Digest)
}

// ParseFixCursor reads what [FixCursor.String] wrote, or returns [ErrInvalid].
func ParseFixCursor(s string) (FixCursor, error) {
	if s == "" {
		return FixCursor{}, nil
	}
	at, digest, ok := strings.Cut(s, "_")
	us, err1 := strconv.ParseInt(at, 10, 64)
	d, err2 := strconv.ParseInt(digest, 10, 64)
	if !ok || err1 != nil || err2 != nil {
		return FixCursor{}, Invalid("cursor", "%q is not a cursor that this server gave", clip(s))
	}
	return FixCursor{RecordedUS: us, Digest: d}, nil
}

// Stats counts what is stored of a company.
type Stats struct {
	Employees int    `json:"employees"`
	Fixes     int64  `json:"fixes"`
	Rejected  int64  `json:"rejected"`
	Seq       uint64 `json:"seq"` // of the latest committed change of the company
}
