package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"fieldcast/track"
)

// share is the n-th share of a person, made at noon for an hour.
func share(company, employee string, n int) track.Share {
	return track.Share{
		ID: fmt.Sprintf("s%d", n), Company: company, Employee: employee, Digest: fmt.Sprintf("%064x", n), CreatedBy: "asha@acme.example",
		CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
}

var shareTests = []test{
	{"Shares", func(t *testing.T, s suite) {
		s.addCompany("acme", "e1", "e2")
		s.addCompany("zeta", "e1")
		first, second, other := share("acme", "e1", 1), share("acme", "e1", 2), share("zeta", "e1", 3)
		first.Note, second.ExpiresAt = "Zoë, the boiler", noon.Add(time.Minute)
		for _, sh := range []track.Share{first, second, other} {
			s.must(s.AddShare(s.ctx(), sh))
		}
		list := func(company, employee string, at time.Time) []track.Share {
			found, err := s.Shares(s.ctx(), company, employee, at)
			s.must(err)
			return found
		}
		equal(t, "the first to end first", list("acme", "e1", noon), []track.Share{second, first})
		equal(t, "when one has ended", list("acme", "e1", noon.Add(time.Minute)), []track.Share{first})
		equal(t, "of another", list("acme", "e2", noon), []track.Share(nil))
		equal(t, "of nobody", list("acme\x00", "\xff", noon), []track.Share(nil))
		found, err := s.ShareByDigest(s.ctx(), second.Digest)
		s.must(err)
		equal(t, "by its digest", found, second)

		at := noon.Add(time.Second)
		for name, call := range map[string]error{
			"of another company": s.RevokeShare(s.ctx(), "zeta", "e1", "s1", at),
			"of another person":  s.RevokeShare(s.ctx(), "acme", "e2", "s1", at),
			"unknown":            s.RevokeShare(s.ctx(), "acme", "e1", "s\x009", at),
			"after its end":      s.RevokeShare(s.ctx(), "acme", "e1", "s1", noon.Add(time.Hour)),
		} {
			wantError(t, "revoke "+name, call, track.ErrNotFound)
		}
		s.must(s.RevokeShare(s.ctx(), "acme", "e1", "s1", at))
		wantError(t, "revoke again", s.RevokeShare(s.ctx(), "acme", "e1", "s1", at), track.ErrNotFound)
		equal(t, "after the revocation", list("acme", "e1", at), []track.Share{second})
		first.RevokedAt = at
		found, err = s.ShareByDigest(s.ctx(), first.Digest)
		s.must(err)
		equal(t, "revoked, and known still", found, first)
		_, err = s.ShareByDigest(s.ctx(), fmt.Sprintf("%064x", 9))
		wantError(t, "unknown", err, track.ErrNotFound)
		_, err = s.ShareByDigest(s.ctx(), "\x00\xff")
		wantError(t, "nonsense", err, track.ErrNotFound)

		late := share("acme", "e1", 4)
		late.CreatedAt = noon.Add(track.ShareKept + 30*time.Minute)
		late.ExpiresAt = late.CreatedAt.Add(time.Hour)
		s.must(s.AddShare(s.ctx(), late))
		_, err = s.ShareByDigest(s.ctx(), second.Digest)
		wantError(t, "long after its end", err, track.ErrNotFound)
		_, err = s.ShareByDigest(s.ctx(), first.Digest)
		s.must(err)
	}},
	{"Shares/errors", func(t *testing.T, s suite) {
		s.addCompany("acme", "e1")
		s.must(s.AddShare(s.ctx(), share("acme", "e1", 1)))
		for name, c := range map[string]struct {
			change func(*track.Share)
			want   error
		}{
			"no such company": {func(sh *track.Share) { sh.Company = "none" }, track.ErrNotFound},
			"no such person":  {func(sh *track.Share) { sh.Employee = "e9" }, track.ErrNotFound},
			"the same id":     {func(sh *track.Share) { sh.ID = "s1" }, track.ErrExists},
			"the same digest": {func(sh *track.Share) { sh.Digest = fmt.Sprintf("%064x", 1) }, track.ErrExists},
			"no digest":       {func(sh *track.Share) { sh.Digest = "" }, track.ErrInvalid},
			"a token":         {func(sh *track.Share) { sh.Digest = strings.Repeat("x", 64) }, track.ErrInvalid},
			"no id":           {func(sh *track.Share) { sh.ID = "" }, track.ErrInvalid},
			"too long":        {func(sh *track.Share) { sh.ExpiresAt = noon.Add(24*time.Hour + time.Second) }, track.ErrInvalid},
			"over already":    {func(sh *track.Share) { sh.ExpiresAt = noon }, track.ErrInvalid},
			"note":            {func(sh *track.Share) { sh.Note = strings.Repeat("é", 121) }, track.ErrInvalid},
			"note of lines":   {func(sh *track.Share) { sh.Note = "a\nb" }, track.ErrInvalid},
			"note of bytes":   {func(sh *track.Share) { sh.Note = "a\xff" }, track.ErrInvalid},
		} {
			sh := share("acme", "e1", 2)
			c.change(&sh)
			wantError(t, name, s.AddShare(s.ctx(), sh), c.want)
		}
	}},
	{"Shares/limit", func(t *testing.T, s suite) {
		s.addCompany("acme", "e1", "e2")
		errs := make([]error, track.MaxShares+5)
		var wg sync.WaitGroup
		for i := range errs { // at the same time
			wg.Go(func() { errs[i] = s.AddShare(s.ctx(), share("acme", "e1", i)) })
		}
		wg.Wait()
		refused, one := 0, 0
		for i, err := range errs {
			if err == nil {
				one = i
				continue
			}
			refused++
			if !errors.Is(err, track.ErrConflict) {
				t.Fatal(err)
			}
		}
		if refused != 5 {
			t.Fatalf("%d of %d were refused", refused, len(errs))
		}
		s.must(s.AddShare(s.ctx(), share("acme", "e2", 100)))
		s.must(s.RevokeShare(s.ctx(), "acme", "e1", fmt.Sprintf("s%d", one), noon))
		s.must(s.AddShare(s.ctx(), share("acme", "e1", 101)))
		wantError(t, "full again", s.AddShare(s.ctx(), share("acme", "e1", 102)), track.ErrConflict)
		later := share("acme", "e1", 103)
		later.CreatedAt, later.ExpiresAt = noon.Add(time.Hour), noon.Add(2*time.Hour)
		s.must(s.AddShare(s.ctx(), later)) // the others have ended
	}},
}
