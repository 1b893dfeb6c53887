// Package storetest holds every [track.Store] to its contract. A store's test
// calls [Run].
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"fieldcast/track"
)

// Run runs the suite. Open must return a new, empty store each time, and close
// it when t ends; closing twice must do no harm. A row with a latitude of more
// than 90 degrees must be one that the database refuses.
func Run(t *testing.T, open func(t *testing.T) track.Store) {
	for _, group := range [][]test{
		directoryTests, teamTests, shareTests, userTests, tokenTests, commitTests, refusalTests, fixTests, rejectionTests, lifecycleTests, concurrencyTests,
	} {
		for _, test := range group {
			t.Run(test.name, func(t *testing.T) {
				test.run(t, suite{T: t, Store: open(t)})
			})
		}
	}
}

type test struct {
	name string
	run  func(t *testing.T, s suite)
}

// suite is a store under test, with the steps that most tests begin with.
type suite struct {
	*testing.T
	track.Store
}

func (s suite) ctx() context.Context { return s.Context() }

// noon is when most tests play.
var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// fix returns a fix of a person that differs from those of other numbers.
func fix(company, employee string, n int) track.Fix {
	return track.Fix{
		Company: company, Employee: employee,
		Lat: 12.97 + float64(n)/1e5, Lon: 77.59, AccuracyM: track.Some(8.0),
		RecordedAt: noon.Add(time.Duration(n) * time.Second), ReceivedAt: noon.Add(time.Duration(n)*time.Second + time.Second),
		Seq: uint64(n + 1),
	}.Round()
}

// fixes returns n fixes of a person.
func fixes(company, employee string, n int) []track.Fix {
	fs := make([]track.Fix, n)
	for i := range fs {
		fs[i] = fix(company, employee, i)
	}
	return fs
}

// commit commits a batch behind the cursor and wants it to succeed.
func (s suite) commit(b track.Batch) track.Receipt {
	s.Helper()
	cursor, err := s.Cursor(s.ctx())
	s.must(err)
	if b.Through == 0 {
		b.Through = cursor + 1000
	}
	b.After = cursor
	r, err := s.Commit(s.ctx(), b)
	s.must(err)
	return r
}

// commitFixes commits fixes.
func (s suite) commitFixes(fs ...track.Fix) track.Receipt {
	s.Helper()
	return s.commit(track.Batch{Fixes: fs})
}

// all reads all fixes of a person, page by page.
func (s suite) all(f track.FixFilter) []track.Fix {
	s.Helper()
	var all []track.Fix
	for {
		page, next, err := s.Fixes(s.ctx(), f)
		s.must(err)
		all = append(all, page...)
		if next == (track.FixCursor{}) {
			return all
		}
		if len(page) == 0 {
			s.Fatal("an empty page with a cursor: reading would never end")
		}
		f.After = next
	}
}

func (s suite) stats(company string) track.Stats {
	s.Helper()
	st, err := s.Stats(s.ctx(), company)
	s.must(err)
	return st
}

// addCompany adds a company with employees.
func (s suite) addCompany(id string, employees ...string) {
	s.Helper()
	s.must(s.AddCompany(s.ctx(), track.Company{ID: id, CreatedAt: noon}))
	var es []track.Employee
	for _, e := range employees {
		es = append(es, track.Employee{ID: e, CreatedAt: noon})
	}
	s.must(s.AddEmployees(s.ctx(), id, es))
}

func (s suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// wantError wants an error of a kind that says something.
func wantError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: got error %v, want %v", what, got, want)
	}
}

// equal compares by what is printed: good for values without pointers, and
// shows them.
func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}
