package row

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"fieldcast/track"
)

// Company checks and cleans a company before it is added. A company without a
// name is called by its id.
func Company(c track.Company, now time.Time) (track.Company, error) {
	if err := track.CheckCompany(c.ID); err != nil {
		return c, err
	}
	c.Name = cmp.Or(Text(c.Name), c.ID)
	c.CreatedAt = orNow(c.CreatedAt, now)
	return c, nil
}

// Employees checks and cleans employees before they are added to a company.
func Employees(company string, es []track.Employee, now time.Time) ([]track.Employee, error) {
	out := make([]track.Employee, len(es))
	for i, e := range es {
		if err := track.CheckEmployee(e.ID); err != nil {
			return nil, err
		}
		if e.Company != "" && e.Company != company {
			return nil, track.Invalid("employee", "%s belongs to %q, not to %q", e.ID, Text(e.Company), Text(company))
		}
		var err error
		if e.Team, err = track.CleanTeam(e.Team); err != nil {
			return nil, err
		}
		e.Company = company
		e.Name = cmp.Or(Text(e.Name), e.ID)
		e.CreatedAt = orNow(e.CreatedAt, now)
		out[i] = e
	}
	return out, nil
}

// Teams are the teams of employees that [Employees] has cleaned, by folded name.
// If it is written in several ways, the first counts.
func Teams(es []track.Employee) map[string]string {
	teams := map[string]string{}
	for _, e := range es {
		folded := track.FoldTeam(e.Team)
		if _, ok := teams[folded]; !ok && e.Team != "" {
			teams[folded] = e.Team
		}
	}
	return teams
}

// Members are those who are put into a team, each once, and the team's name.
func Members(employees []string, team string) ([]string, string, error) {
	team, err := track.CleanTeam(team)
	if err != nil {
		return nil, "", err
	}
	once := make([]string, len(employees))
	for i, e := range employees {
		once[i] = Text(e)
	}
	slices.Sort(once)
	return slices.Compact(once), team, nil
}

// User checks and cleans a user before it is added. Only an operator may be
// without a company.
func User(u track.User, now time.Time) (track.User, error) {
	u.Email = Email(u.Email)
	if at := strings.IndexByte(u.Email, '@'); at < 1 || at == len(u.Email)-1 {
		return u, track.Invalid("email", "%q is not an e-mail address", u.Email)
	}
	if !u.Role.Valid() {
		return u, track.Invalid("role", "%q is not a role", Text(string(u.Role)))
	}
	if u.Company == "" && u.Role != track.RoleOperator {
		return u, track.Invalid("company", "a %s belongs to a company", u.Role)
	}
	u.Name = Text(u.Name)
	u.PasswordHash = Text(u.PasswordHash)
	u.CreatedAt = orNow(u.CreatedAt, now)
	return u, nil
}

// Email is how an address is kept and looked up.
func Email(s string) string { return strings.ToLower(Text(s)) }

// Token checks and cleans a token before it is recorded.
func Token(t track.Token, now time.Time) (track.Token, error) {
	if t.ID == "" || Text(t.ID) != t.ID {
		return t, track.Invalid("token", "a token needs an id of valid text")
	}
	if !t.Role.Valid() {
		return t, track.Invalid("role", "%q is not a role", Text(string(t.Role)))
	}
	t.Company, t.Employee = Text(t.Company), Text(t.Employee)
	t.IssuedAt = orNow(t.IssuedAt, now)
	return t, nil
}

// Filter checks a token filter.
func Filter(f track.TokenFilter) (track.TokenFilter, error) {
	if f == (track.TokenFilter{}) {
		return f, track.Invalid("filter", "name a token, a company or an employee")
	}
	return track.TokenFilter{ID: Text(f.ID), Company: Text(f.Company), Employee: Text(f.Employee)}, nil
}

// Page sizes, in rows.
const (
	defaultPage = 1000
	maxPage     = 10000
)

// Limit is the number of rows of a page when n were asked for; 0 asks for the
// default.
func Limit(n int) int {
	if n <= 0 {
		return defaultPage
	}
	return min(n, maxPage)
}

func orNow(t, now time.Time) time.Time {
	if t.IsZero() {
		return now
	}
	return t
}

// After is the place behind which the fixes of a filter start: its cursor or
// its From, whichever is later.
func After(f track.FixFilter) track.FixCursor {
	first := track.FixCursor{RecordedUS: math.MinInt64, Digest: math.MinInt64}
	if !f.From.IsZero() {
		first = track.FixCursor{RecordedUS: Bound(f.From, 0) - 1, Digest: math.MaxInt64}
	}
	if f.After == (track.FixCursor{}) {
		return first
	}
	if f.After.RecordedUS < first.RecordedUS || f.After.RecordedUS == first.RecordedUS && f.After.Digest < first.Digest {
		return first
	}
	return f.After
}
