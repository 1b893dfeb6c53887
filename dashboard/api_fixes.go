package dashboard

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"fieldcast/track"
)

type fixesInput struct {
	Company  string `path:"company"`
	Employee string `path:"employee"`
	From     string `query:"from" doc:"Earliest recorded_at, RFC 3339 or Unix seconds." example:"2026-11-23T00:00:00Z"`
	To       string `query:"to" doc:"recorded_at must be before this." example:"2026-11-24T00:00:00Z"`
	Cursor   string `query:"cursor" doc:"The next of the page before."`
	Limit    int    `query:"limit" minimum:"1" maximum:"10000" default:"1000"`
	Simplify int    `query:"simplify" minimum:"0" maximum:"10000" doc:"Leave out fixes of the page that are within so many metres of the line of the others."`
}

type fixesOutput struct {
	Body struct {
		Fixes []track.Fix `json:"fixes"`
		Next  string      `json:"next" doc:"Cursor of the next page; empty on the last."`
	}
}

func (s *server) fixes(ctx context.Context, in *fixesInput) (*fixesOutput, error) {
	id, err := member(ctx, in.Company, readers...)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	if !maySee(id, in.Company, in.Employee) {
		return nil, s.fail(ctx, errNoEmployee)
	}
	filter, err := in.filter()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	fixes, next, err := s.Store.Fixes(ctx, filter)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	if len(fixes) == 0 && in.Cursor == "" {
		if err := s.mustExist(ctx, in.Company, in.Employee); err != nil {
			return nil, s.fail(ctx, err)
		}
	}
	out := &fixesOutput{}
	out.Body.Fixes, out.Body.Next = append([]track.Fix{}, simplified(fixes, float64(in.Simplify))...), next.String()
	return out, nil
}

var errNoEmployee = fmt.Errorf("employee %w", track.ErrNotFound)

func (in *fixesInput) filter() (track.FixFilter, error) {
	from, err1 := parseTime("from", in.From)
	to, err2 := parseTime("to", in.To)
	after, err3 := track.ParseFixCursor(in.Cursor)
	err := errors.Join(err1, err2, err3)
	if err == nil && !from.IsZero() && !to.IsZero() && !from.Before(to) {
		err = track.Invalid("from", "%s must be before to, %s", in.From, in.To)
	}
	return track.FixFilter{
		Company: in.Company, Employee: in.Employee, From: from, To: to, After: after, Limit: in.Limit,
	}, err
}

// parseTime reads RFC 3339, or seconds since 1970; empty is no bound.
func parseTime(field, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if seconds, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(seconds) < 1e11 {
		return time.UnixMicro(int64(seconds * 1e6)).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, track.Invalid(field, "%q is neither a time such as 2026-11-23T08:00:00Z nor Unix seconds", s)
	}
	return t.UTC(), nil
}

// mustExist tells an empty day from a person who is not there.
func (s *server) mustExist(ctx context.Context, company, employee string) error {
	_, err := s.employee(ctx, company, employee)
	return err
}

// employee finds a person.
func (s *server) employee(ctx context.Context, company, id string) (track.Employee, error) {
	all, err := s.Store.Employees(ctx, company)
	if err != nil {
		return track.Employee{}, hideCompany(err)
	}
	for _, e := range all {
		if e.ID == id {
			return e, nil
		}
	}
	return track.Employee{}, errNoEmployee
}

// hideCompany makes "no such company" of the store the same answer as that for
// a company of somebody else.
func hideCompany(err error) error {
	if errors.Is(err, track.ErrNotFound) {
		return errNoCompany
	}
	return err
}
