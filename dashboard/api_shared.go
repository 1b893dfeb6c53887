package dashboard

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"fieldcast/track"
)

// errShareOver is the answer to a link that has expired or was revoked.
var errShareOver = errors.New("this link has ended")

// errNoShare is the answer to a token that opens nothing.
var errNoShare = fmt.Errorf("link %w", track.ErrNotFound)

type sharedInput struct {
	After string `query:"after" doc:"The seq of the last answer: wait for another position." pattern:"^[0-9]{0,19}$"`
	Wait  int    `query:"wait" doc:"Seconds to wait for it." minimum:"0" maximum:"50"`
}

// shared is all that a link tells: no history, nobody else, nothing of the phone.
type shared struct {
	Name      string                  `json:"name,omitempty" doc:"What the person is called, if that is known."`
	State     track.State             `json:"state"`
	Lat       track.Optional[float64] `json:"lat,omitzero"`
	Lon       track.Optional[float64] `json:"lon,omitzero"`
	AccuracyM track.Optional[float64] `json:"accuracy_m,omitzero"`
	SeenAt    time.Time               `json:"seen_at,omitzero"`
	At        time.Time               `json:"at" doc:"The server's clock."`
	ExpiresAt time.Time               `json:"expires_at"`
	Seq       uint64                  `json:"seq"`
}

type sharedOutput struct {
	NoStore string `header:"Cache-Control"`
	Robots  string `header:"X-Robots-Tag"`
	Body    shared
}

func (s *server) shared(ctx context.Context, in *sharedInput) (*sharedOutput, error) {
	body, err := s.readShare(ctx, in)
	s.shareReads.WithLabelValues(shareResult(err)).Inc()
	if errors.Is(err, context.Canceled) && ctx.Err() == nil { // of what watches, not of the reader
		err = track.ErrUnavailable
	}
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &sharedOutput{NoStore: "no-store", Robots: "noindex, nofollow", Body: body}, nil
}

// shareResult is the label of a read.
func shareResult(err error) string {
	var many tooManyWatchers
	var guessing tooManyGuesses
	switch {
	case err == nil:
		return "answered"
	case errors.Is(err, errShareOver):
		return "ended"
	case errors.Is(err, errNoShare):
		return "unknown"
	case errors.As(err, &guessing):
		return "throttled"
	case errors.As(err, &many):
		return "busy"
	}
	return "failed"
}

func (s *server) readShare(ctx context.Context, in *sharedInput) (shared, error) {
	sh, err := s.openShare(ctx)
	if err != nil {
		return shared{}, err
	}
	if in.Wait > 0 && in.After != "" {
		after, err := strconv.ParseUint(in.After, 10, 64)
		if err != nil {
			return shared{}, track.Invalid("after", "%q is not a sequence number", in.After)
		}
		if err := s.awaitShared(ctx, sh, after, time.Duration(in.Wait)*time.Second); err != nil {
			return shared{}, err
		}
		// Another server, or a clock, may have ended it meanwhile.
		if sh, err = s.findShare(ctx, sh.Digest); err != nil {
			return shared{}, err
		}
	}
	return s.sharedNow(ctx, sh), nil
}

// openShare finds the share of the request's token. From an address that has
// tried too many tokens that open nothing, none is looked at.
func (s *server) openShare(ctx context.Context) (track.Share, error) {
	address := remote(ctx)
	if wait := s.guesses.wait(address, s.Now()); wait > 0 {
		return track.Share{}, tooManyGuesses{wait}
	}
	token := shareToken(bearer(request(ctx)))
	if !token.plausible() {
		s.guesses.count(address, s.Now())
		return track.Share{}, errNoShare
	}
	sh, err := s.findShare(ctx, token.digest())
	if errors.Is(err, errNoShare) {
		s.guesses.count(address, s.Now())
	}
	return sh, err
}

func (s *server) findShare(ctx context.Context, digest string) (track.Share, error) {
	sh, err := s.Store.ShareByDigest(ctx, digest)
	if errors.Is(err, track.ErrNotFound) {
		return sh, errNoShare
	}
	if err == nil && !sh.Active(s.Now()) {
		err = errShareOver
	}
	return sh, err
}

// awaitShared returns when the person's position is another than after, when the
// wait is over, or with an error when the share is.
func (s *server) awaitShared(ctx context.Context, sh track.Share, after uint64, wait time.Duration) error {
	// Who watches by links has allowances of their own, and cannot use up those of
	// the company's people.
	id := track.Identity{Subject: watcherOfShare(sh.ID), TokenID: watcherOfShare(sh.ID), ExpiresAt: sh.ExpiresAt}
	watching, leave, err := s.watchers.begin(ctx, "share", "shares of "+sh.Company, id, s.Now(), s.Stopping)
	if err != nil {
		return err
	}
	defer leave(errAnswered)
	sub := s.Changes.SubscribeFrames(sh.Company, waitingFrames)
	defer sub.Close()
	waiting, cancel := context.WithTimeout(watching, wait)
	defer cancel()
	for s.changed(sh) == after {
		select {
		case <-waiting.Done():
			if cause := context.Cause(watching); errors.Is(cause, errRevoked) || errors.Is(cause, errExpired) {
				return errShareOver
			}
			return nil
		case _, open := <-sub.Events():
			if !open {
				return nil
			}
		}
	}
	return nil
}

// watcherOfShare names who watches by a link.
func watcherOfShare(id string) string { return "share " + id }

func (s *server) changed(sh track.Share) uint64 {
	p, _ := s.People.Position(sh.Company, sh.Employee)
	return p.Changed
}

func (s *server) sharedNow(ctx context.Context, sh track.Share) shared {
	out := shared{State: track.StateNever, At: s.Now().UTC(), ExpiresAt: sh.ExpiresAt}
	p, ok := s.People.Position(sh.Company, sh.Employee)
	if !ok {
		if e, err := s.employee(ctx, sh.Company, sh.Employee); err == nil { // an ornament
			out.Name = publicName(e.Name, e.ID)
		}
		return out
	}
	out.Name, out.State, out.Seq = publicName(p.Name, p.Employee), p.State, p.Changed
	if p.State == track.StateOffShift { // where somebody is then is nobody's business
		return out
	}
	out.Lat, out.Lon, out.AccuracyM = track.Some(p.Lat), track.Some(p.Lon), p.AccuracyM
	out.SeenAt = p.RecordedAt
	if p.ReceivedAt.Before(p.RecordedAt) { // a clock that is ahead makes nobody younger
		out.SeenAt = p.ReceivedAt
	}
	return out
}

// publicName is the first name, where it looks like one; all of it otherwise, as
// of "Dr. Rao" and "Rao, Asha". An id is no name.
func publicName(name, id string) string {
	if name == id {
		return ""
	}
	first, _, _ := strings.Cut(name, " ")
	if first == "" || strings.ContainsAny(first, ".,;:") {
		return name
	}
	return first
}
