package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"fieldcast/track"
)

// registerShares adds what managers do with links to a person's position, and
// what such a link can do.
func (s *server) registerShares(api huma.API) {
	const one = "/companies/{company}/employees/{employee}/shares"
	get(api, one, "shares", "A person's links that are active", s.shares, 401, 403, 404, 503)
	bearer := []map[string][]string{{"bearer": {}}}
	add := operation(http.MethodPost, one, "share", "Share a person's position with somebody who has no login", []int{401, 403, 404, 409, 503})
	add.Security = bearer
	huma.Register(api, add, s.share)
	revoke := operation(http.MethodDelete, one+"/{id}", "revoke-share", "End a link at once", []int{401, 403, 404, 503})
	revoke.Security = bearer
	huma.Register(api, revoke, s.revokeShare)
	shared := operation(http.MethodGet, "/shared", "shared", "Where the person of a link is; the token of the link is the bearer token", []int{404, 410, 429, 503})
	shared.Security = bearer
	huma.Register(api, shared, s.shared)
}

// share is a link, without what makes it work.
type share struct {
	ID        string    `json:"id"`
	Note      string    `json:"note,omitempty"`
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

type employeeInput struct {
	Company  string `path:"company"`
	Employee string `path:"employee"`
}

type sharesOutput struct {
	NoStore string `header:"Cache-Control"`
	Body    struct {
		Shares []share `json:"shares" doc:"The first to end first."`
	}
}

func (s *server) shares(ctx context.Context, in *employeeInput) (*sharesOutput, error) {
	if _, err := member(ctx, in.Company, managers...); err != nil {
		return nil, s.fail(ctx, err)
	}
	if err := s.mustExist(ctx, in.Company, in.Employee); err != nil {
		return nil, s.fail(ctx, err)
	}
	active, err := s.Store.Shares(ctx, in.Company, in.Employee, s.Now())
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	out := &sharesOutput{NoStore: "no-store"}
	out.Body.Shares = []share{}
	for _, a := range active {
		out.Body.Shares = append(out.Body.Shares, share{a.ID, a.Note, a.CreatedBy, a.CreatedAt, a.ExpiresAt})
	}
	return out, nil
}

type shareInput struct {
	Company  string `path:"company"`
	Employee string `path:"employee"`
	Body     struct {
		ExpiresIn int    `json:"expires_in_s" minimum:"60" maximum:"86400" doc:"Seconds until the link ends." example:"3600"`
		Note      string `json:"note,omitempty" maxLength:"120" doc:"For whom it is; only managers see it."`
	}
}

type shareOutput struct {
	NoStore string `header:"Cache-Control"`
	Body    struct {
		ID        string    `json:"id"`
		URL       string    `json:"url" doc:"The link. It is told this once, and kept nowhere."`
		ExpiresAt time.Time `json:"expires_at"`
	}
}

// errTooManyShares is told to who would make one more.
type errTooManyShares struct{ employee string }

func (e errTooManyShares) Error() string {
	return fmt.Sprintf("%d links to the position of %s are active, and more there may not be: revoke one first", track.MaxShares, e.employee)
}

func (errTooManyShares) Unwrap() error { return track.ErrConflict }

func (s *server) share(ctx context.Context, in *shareInput) (*shareOutput, error) {
	id, err := member(ctx, in.Company, managers...)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	token := newShareToken()
	now := s.Now().UTC()
	made := track.Share{
		ID: newShareID(), Company: in.Company, Employee: in.Employee, Digest: token.digest(), Note: in.Body.Note, CreatedBy: id.Subject,
		CreatedAt: now, ExpiresAt: now.Add(time.Duration(in.Body.ExpiresIn) * time.Second),
	}
	err = s.Store.AddShare(ctx, made)
	switch {
	case errors.Is(err, track.ErrNotFound):
		err = errNoEmployee
	case errors.Is(err, track.ErrConflict):
		err = errTooManyShares{in.Employee}
	}
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	s.Logger.Info("position shared", "company", made.Company, "employee", made.Employee, "share", made.ID, "by", made.CreatedBy, "until", made.ExpiresAt, "note", made.Note)
	out := &shareOutput{NoStore: "no-store"}
	out.Body.ID, out.Body.URL, out.Body.ExpiresAt = made.ID, token.url(request(ctx), s.BehindTLS), made.ExpiresAt
	return out, nil
}

type revokeShareInput struct {
	Company  string `path:"company"`
	Employee string `path:"employee"`
	ID       string `path:"id"`
}

func (s *server) revokeShare(ctx context.Context, in *revokeShareInput) (*struct{}, error) {
	id, err := member(ctx, in.Company, managers...)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	if err := s.Store.RevokeShare(ctx, in.Company, in.Employee, in.ID, s.Now()); err != nil {
		return nil, s.fail(ctx, err)
	}
	s.watchers.revoke([]string{watcherOfShare(in.ID)})
	s.Logger.Info("share revoked", "company", in.Company, "employee", in.Employee, "share", in.ID, "by", id.Subject)
	return nil, nil
}
