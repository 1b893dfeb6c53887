package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"fieldcast/track"
)

// errNoCompany is the one answer for a company that is not there, or not yours.
var errNoCompany = fmt.Errorf("company %w", track.ErrNotFound)

// kinds maps errors to HTTP, in order. The codes are public.
var kinds = []struct {
	err    error
	status int
	code   string
}{
	{track.ErrUnauthorized, http.StatusUnauthorized, "unauthorized"},
	{track.ErrNotFound, http.StatusNotFound, "not_found"},
	{track.ErrInvalid, http.StatusUnprocessableEntity, "invalid"},
	{track.ErrExists, http.StatusConflict, "conflict"},
	{track.ErrConflict, http.StatusConflict, "conflict"},
	{track.ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
	{track.ErrForbidden, http.StatusForbidden, "forbidden"},
	{errShareOver, http.StatusGone, "gone"},
}

// problem is an error as RFC 9457 has it, with a stable code and the id under
// which the log has more.
type problem struct {
	Type      string              `json:"type"`
	Title     string              `json:"title"`
	Status    int                 `json:"status"`
	Detail    string              `json:"detail,omitempty"`
	Code      string              `json:"code"`
	RequestID string              `json:"request_id,omitempty"`
	Errors    []*huma.ErrorDetail `json:"errors,omitempty"`
}

// ContentType is asked by huma.
func (*problem) ContentType(string) string { return "application/problem+json" }

// fail turns an error into the answer for it. What is nobody's fault but ours
// is logged here, once, and nothing of it is told.
func (s *server) fail(ctx context.Context, err error) error {
	var retry interface{ RetryAfter() time.Duration }
	if errors.As(err, &retry) {
		seconds := strconv.Itoa(max(1, int(retry.RetryAfter().Round(time.Second).Seconds())))
		return huma.ErrorWithHeaders(huma.Error429TooManyRequests(sentence(err)), http.Header{"Retry-After": {seconds}})
	}
	for _, k := range kinds {
		if !errors.Is(err, k.err) {
			continue
		}
		if k.status == http.StatusServiceUnavailable {
			s.Logger.Warn("request failed", "request_id", requestID(ctx), "error", err)
			return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("The database is away; try again in a few seconds."), http.Header{"Retry-After": {"5"}})
		}
		return huma.NewError(k.status, sentence(err))
	}
	if ctx.Err() != nil {
		return huma.NewError(499, "The request was canceled.")
	}
	s.Logger.Error("request failed", "request_id", requestID(ctx), "error", err)
	return huma.Error500InternalServerError("Internal error.")
}

// sentence writes an error as one.
func sentence(err error) string {
	s := err.Error()
	if s == "" {
		return s
	}
	return string(s[0]&^0x20) + s[1:] + "."
}

// problems gives every error of the interface, huma's own included, the shape
// of a problem.
func (s *server) problems(ctx huma.Context, status string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	for _, d := range e.Errors {
		d.Value = nil // it may be a password
	}
	return &problem{
		Type: "about:blank", Title: http.StatusText(e.Status), Status: e.Status, Detail: e.Detail,
		Code: code(e.Status), RequestID: requestID(ctx.Context()), Errors: e.Errors,
	}, nil
}

func code(status int) string {
	switch status {
	case http.StatusTooManyRequests:
		return "too_many_attempts"
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return "invalid"
	}
	for _, k := range kinds {
		if k.status == status {
			return k.code
		}
	}
	return "internal"
}
