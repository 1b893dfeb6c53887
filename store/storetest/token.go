package storetest

import (
	"testing"
	"time"

	"fieldcast/track"
)

// ids lists the ids of tokens.
func ids(ts []track.Token) []string {
	list := []string{}
	for _, t := range ts {
		list = append(list, t.ID)
	}
	return list
}

// addTokens records tokens of e1 and e2 at acme and of e1 at zeta; "old" has
// expired.
func (s suite) addTokens() {
	s.Helper()
	token := func(id, company, employee string, age time.Duration, expires time.Time) track.Token {
		return track.Token{ID: id, Role: track.RoleDevice, Company: company, Employee: employee, IssuedAt: noon.Add(-age), ExpiresAt: expires}
	}
	far := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	s.must(s.AddTokens(s.ctx(), []track.Token{
		token("b", "acme", "e1", time.Minute, far),
		token("a", "acme", "e1", 2*time.Minute, time.Time{}),
		token("c", "acme", "e2", time.Minute, far),
		token("old", "acme", "e1", time.Hour, time.Now().Add(-time.Hour)),
		token("z", "zeta", "e1", 0, far),
	}))
}

var tokenTests = []test{
	{"Tokens/issued", func(t *testing.T, s suite) {
		want := []track.Token{
			{ID: "1", Role: track.RoleDevice, Company: "acme", Employee: "e1", IssuedAt: noon, ExpiresAt: noon.Add(time.Hour)},
			{ID: "2", Role: track.RoleIntegrator, Company: "acme", IssuedAt: noon.Add(time.Microsecond)},
		}
		s.must(s.AddTokens(s.ctx(), []track.Token{want[1], want[0]}))
		s.must(s.AddTokens(s.ctx(), nil))
		got, err := s.IssuedTokens(s.ctx(), track.TokenFilter{Company: "acme"})
		s.must(err)
		equal(t, "all fields", got, want)

		s.must(s.AddTokens(s.ctx(), []track.Token{{ID: "3", Role: track.RoleOperator}}))
		got, err = s.IssuedTokens(s.ctx(), track.TokenFilter{ID: "3"})
		s.must(err)
		if len(got) != 1 || time.Since(got[0].IssuedAt).Abs() > time.Hour {
			t.Fatalf("got %+v, want a token issued now", got)
		}
	}},
	{"Tokens/filters", func(t *testing.T, s suite) {
		s.addTokens()
		for _, c := range []struct {
			filter track.TokenFilter
			want   []string
		}{
			{track.TokenFilter{Company: "acme"}, []string{"old", "a", "b", "c"}},
			{track.TokenFilter{Company: "acme", Employee: "e1"}, []string{"old", "a", "b"}},
			{track.TokenFilter{Company: "zeta", Employee: "e1"}, []string{"z"}},
			{track.TokenFilter{ID: "z"}, []string{"z"}},
			{track.TokenFilter{ID: "z", Company: "acme"}, []string{}},
			{track.TokenFilter{Company: "a%"}, []string{}},
			{track.TokenFilter{ID: "\x00"}, []string{}},
		} {
			got, err := s.IssuedTokens(s.ctx(), c.filter)
			s.must(err)
			equal(t, "tokens", ids(got), c.want)
		}
	}},
	{"Tokens/errors", func(t *testing.T, s suite) {
		s.addTokens()
		_, err := s.IssuedTokens(s.ctx(), track.TokenFilter{})
		wantError(t, "list all", err, track.ErrInvalid)
		_, err = s.RevokeTokens(s.ctx(), track.TokenFilter{})
		wantError(t, "revoke all", err, track.ErrInvalid)
		fresh := track.Token{ID: "new", Role: track.RoleViewer, Company: "acme"}
		for name, bad := range map[string]struct {
			token track.Token
			want  error
		}{
			"the same id":  {track.Token{ID: "a", Role: track.RoleViewer}, track.ErrExists},
			"no id":        {track.Token{Role: track.RoleViewer}, track.ErrInvalid},
			"id of bytes":  {track.Token{ID: "\xff", Role: track.RoleViewer}, track.ErrInvalid},
			"unknown role": {track.Token{ID: "n", Role: "boss"}, track.ErrInvalid},
			"twice":        {fresh, track.ErrExists},
		} {
			wantError(t, name, s.AddTokens(s.ctx(), []track.Token{fresh, bad.token}), bad.want)
		}
		got, err := s.IssuedTokens(s.ctx(), track.TokenFilter{ID: "new"})
		s.must(err)
		equal(t, "all or none", ids(got), []string{})
	}},
	{"Tokens/revoke", func(t *testing.T, s suite) {
		s.addTokens()
		n, err := s.RevokeTokens(s.ctx(), track.TokenFilter{Company: "acme", Employee: "e1"})
		s.must(err)
		equal(t, "revoked: a and b, not what has expired", n, 2)
		n, err = s.RevokeTokens(s.ctx(), track.TokenFilter{Company: "acme", Employee: "e1"})
		s.must(err)
		equal(t, "revoked again", n, 0)
		got, err := s.Revoked(s.ctx(), time.Time{})
		s.must(err)
		equal(t, "revoked tokens", len(got), 2)
		for _, token := range got {
			if token.Employee != "e1" || token.Company != "acme" || time.Since(token.RevokedAt).Abs() > time.Minute {
				t.Fatalf("got %+v, want a token of e1 at acme, revoked now", token)
			}
		}
		n, err = s.RevokeTokens(s.ctx(), track.TokenFilter{ID: "nothing"})
		s.must(err)
		equal(t, "revoked nothing", n, 0)
	}},
	{"Tokens/revoked since", func(t *testing.T, s suite) {
		s.addTokens()
		_, err := s.RevokeTokens(s.ctx(), track.TokenFilter{ID: "a"})
		s.must(err)
		first, err := s.Revoked(s.ctx(), time.Time{})
		s.must(err)
		at := first[0].RevokedAt
		for _, c := range []struct {
			since time.Time
			want  []string
		}{
			{at.Add(-time.Microsecond), []string{"a"}},
			{at, []string{"a"}}, // at or after: who polls by the newest misses nothing of the same moment
			{at.Add(time.Nanosecond), []string{}},
			{at.Add(time.Hour), []string{}},
		} {
			got, err := s.Revoked(s.ctx(), c.since)
			s.must(err)
			equal(t, c.since.String(), ids(got), c.want)
		}
	}},
	{"Tokens/revoked and expired", func(t *testing.T, s suite) {
		s.must(s.AddTokens(s.ctx(), []track.Token{
			{ID: "gone", Role: track.RoleViewer, Company: "acme", ExpiresAt: time.Now().Add(-time.Minute), RevokedAt: time.Now().Add(-time.Hour)},
			{ID: "there", Role: track.RoleViewer, Company: "acme", ExpiresAt: time.Now().Add(time.Minute), RevokedAt: time.Now().Add(-time.Hour)},
		}))
		got, err := s.Revoked(s.ctx(), time.Time{})
		s.must(err)
		equal(t, "revoked and not expired", ids(got), []string{"there"})
	}},
}
