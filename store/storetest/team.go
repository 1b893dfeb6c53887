package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"fieldcast/track"
)

// teams are the teams of a company's employees, as "e1:North e2:".
func (s suite) teams(company string) string {
	s.Helper()
	es, err := s.Employees(s.ctx(), company)
	s.must(err)
	parts := make([]string, len(es))
	for i, e := range es {
		parts[i] = e.ID + ":" + e.Team
	}
	return strings.Join(parts, " ")
}

var teamTests = []test{
	{"Teams", func(t *testing.T, s suite) {
		s.addCompany("acme", "e1", "e2", "e3")
		s.addCompany("zeta", "e1")
		s.must(s.SetTeam(s.ctx(), "acme", []string{"e1", "e2", "e1"}, " North "))
		equal(t, "two joined", s.teams("acme"), "e1:North e2:North e3:")
		equal(t, "of another company", s.teams("zeta"), "e1:")
		s.must(s.AddEmployees(s.ctx(), "acme", []track.Employee{{ID: "e4", Team: "NORTH"}, {ID: "e5", Team: "Ösel"}, {ID: "e6", Team: "ösel"}}))
		equal(t, "one name each, whatever its case", s.teams("acme"), "e1:North e2:North e3: e4:North e5:Ösel e6:Ösel")
		s.must(s.SetTeam(s.ctx(), "acme", []string{"e3"}, "north"))
		s.must(s.SetTeam(s.ctx(), "zeta", []string{"e1"}, "north"))
		equal(t, "those who are in it keep its name", s.teams("acme")+" "+s.teams("zeta"), "e1:North e2:North e3:North e4:North e5:Ösel e6:Ösel e1:north")
		s.must(s.SetTeam(s.ctx(), "acme", []string{"e1", "e2", "e3", "e4"}, "NORTH"))
		equal(t, "all of it write it in another way", s.teams("acme"), "e1:NORTH e2:NORTH e3:NORTH e4:NORTH e5:Ösel e6:Ösel")
		s.must(s.SetTeam(s.ctx(), "acme", []string{"e1", "e2", "e3", "e4", "e5"}, ""))
		s.must(s.SetTeam(s.ctx(), "acme", []string{"e1"}, "North"))
		s.must(s.SetTeam(s.ctx(), "acme", nil, "Nobody"))
		equal(t, "a team anew", s.teams("acme"), "e1:North e2: e3: e4: e5: e6:Ösel")
	}},
	{"Teams/errors", func(t *testing.T, s suite) {
		s.addCompany("acme", "e1")
		wantError(t, "no such company", s.SetTeam(s.ctx(), "nobody", []string{"e1"}, "North"), track.ErrNotFound)
		wantError(t, "no such person", s.SetTeam(s.ctx(), "acme", []string{"e1", "e9"}, "North"), track.ErrNotFound)
		for _, name := range []string{strings.Repeat("x", 65), "a\nb", "a\xff", "a\x00"} {
			wantError(t, name, s.SetTeam(s.ctx(), "acme", []string{"e1"}, name), track.ErrInvalid)
			wantError(t, name, s.AddEmployees(s.ctx(), "acme", []track.Employee{{ID: "e2", Team: name}}), track.ErrInvalid)
		}
		equal(t, "all or none", s.teams("acme"), "e1:")
	}},
	{"Teams/at the same time", func(t *testing.T, s suite) {
		ids := make([]string, 8)
		for i := range ids {
			ids[i] = fmt.Sprintf("e%d", i)
		}
		s.addCompany("acme", ids...)
		errs := make([]error, len(ids))
		var wg sync.WaitGroup
		for i, id := range ids {
			wg.Go(func() {
				name := "north"
				if i%2 > 0 {
					name = "North"
				}
				errs[i] = s.SetTeam(s.ctx(), "acme", []string{id}, name)
			})
		}
		wg.Wait()
		s.must(errors.Join(errs...))
		es, err := s.Employees(s.ctx(), "acme")
		s.must(err)
		for _, e := range es {
			if e.Team == "" || e.Team != es[0].Team {
				t.Fatalf("one team has two names: %s", s.teams("acme"))
			}
		}
	}},
}
