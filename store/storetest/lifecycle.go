package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"fieldcast/track"
)

// calls are all methods that can fail, each with valid arguments.
func calls(s track.Store) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Ping":         s.Ping,
		"AddCompany":   func(ctx context.Context) error { return s.AddCompany(ctx, track.Company{ID: "new"}) },
		"Companies":    func(ctx context.Context) error { _, err := s.Companies(ctx); return err },
		"AddEmployees": func(ctx context.Context) error { return s.AddEmployees(ctx, "acme", []track.Employee{{ID: "new"}}) },
		"Employees":    func(ctx context.Context) error { _, err := s.Employees(ctx, "acme"); return err },
		"AddUser": func(ctx context.Context) error {
			return s.AddUser(ctx, track.User{Email: "a@b.example", Company: "acme", Role: track.RoleAdmin})
		},
		"User": func(ctx context.Context) error { _, err := s.User(ctx, "known@acme.example"); return err },
		"AddTokens": func(ctx context.Context) error {
			return s.AddTokens(ctx, []track.Token{{ID: "n", Role: track.RoleAdmin}})
		},
		"RevokeTokens": func(ctx context.Context) error { _, err := s.RevokeTokens(ctx, track.TokenFilter{ID: "a"}); return err },
		"Revoked":      func(ctx context.Context) error { _, err := s.Revoked(ctx, time.Time{}); return err },
		"IssuedTokens": func(ctx context.Context) error { _, err := s.IssuedTokens(ctx, track.TokenFilter{ID: "a"}); return err },
		"Cursor":       func(ctx context.Context) error { _, err := s.Cursor(ctx); return err },
		"Commit": func(ctx context.Context) error {
			_, err := s.Commit(ctx, track.Batch{Through: 1, Fixes: fixes("acme", "e1", 1)})
			return err
		},
		"Positions": func(ctx context.Context) error { _, err := s.Positions(ctx, ""); return err },
		"Fixes": func(ctx context.Context) error {
			_, _, err := s.Fixes(ctx, track.FixFilter{Company: "acme", Employee: "e1"})
			return err
		},
		"Rejections": func(ctx context.Context) error { _, err := s.Rejections(ctx, "acme", 0, 1); return err },
		"Stats":      func(ctx context.Context) error { _, err := s.Stats(ctx, "acme"); return err },
	}
}

var lifecycleTests = []test{
	{"Canceled context", func(t *testing.T, s suite) {
		s.addCompany("acme", "e1")
		canceled, cancel := context.WithCancel(s.ctx())
		cancel()
		late, cancel := context.WithDeadline(s.ctx(), time.Now().Add(-time.Second))
		defer cancel()
		for name, call := range calls(s) {
			wantError(t, name, call(canceled), context.Canceled)
			wantError(t, name, call(late), context.DeadlineExceeded)
		}
		equal(t, "nothing was done", s.stats("acme"), track.Stats{Employees: 1})
		s.must(s.AddUser(s.ctx(), track.User{Email: "known@acme.example", Company: "acme", Role: track.RoleAdmin}))
		for name, call := range calls(s) {
			if err := call(s.ctx()); err != nil {
				t.Fatalf("%s, afterwards: %v", name, err)
			}
		}
	}},
	{"Commit is all or nothing", func(t *testing.T, s suite) {
		const size = 400
		var cursor uint64
		for i := range 40 { // canceled at many moments
			var b track.Batch
			for j := range size {
				b.Fixes = append(b.Fixes, fix("acme", fmt.Sprint("e", j%50), i*size+j))
			}
			b.After, b.Through = cursor, cursor+1
			ctx, cancel := context.WithTimeout(s.ctx(), time.Duration(i)*500*time.Microsecond)
			_, err := s.Commit(ctx, b)
			cancel()
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			now, err2 := s.Cursor(s.ctx())
			s.must(err2)
			if err == nil && now != b.Through {
				t.Fatalf("a commit succeeded, and the cursor stands at %d", now)
			}
			cursor = now
			if cursor > 0 {
				equal(t, "fixes of whole batches", s.stats("acme").Fixes, cursor*size)
			}
		}
		s.must(s.Ping(s.ctx()))
	}},
	{"Closed", func(t *testing.T, s suite) {
		s.addCompany("acme", "e1")
		s.must(s.Close())
		for name, call := range calls(s) {
			wantError(t, name, call(s.ctx()), track.ErrUnavailable)
		}
		s.must(s.Close())
	}},
	{"Closed in the middle", func(t *testing.T, s suite) {
		s.addCompany("acme", "e1")
		s.must(s.AddUser(s.ctx(), track.User{Email: "known@acme.example", Company: "acme", Role: track.RoleAdmin}))
		var busy sync.WaitGroup
		for _, name := range []string{"Ping", "Companies", "Positions", "Cursor", "Stats", "Fixes", "User", "Revoked"} {
			call := calls(s)[name]
			busy.Go(func() {
				for {
					if err := call(s.ctx()); err != nil {
						if !errors.Is(err, track.ErrUnavailable) {
							t.Errorf("%s: got error %v, want %v", name, err, track.ErrUnavailable)
						}
						return
					}
				}
			})
		}
		for range 20 {
			s.must(s.Ping(s.ctx()))
		}
		s.must(s.Close())
		busy.Wait()
	}},
}

var concurrencyTests = []test{
	{"Readers beside a committer", func(t *testing.T, s suite) {
		const batches, size = 30, 50
		s.addCompany("acme", "e1")
		ctx, stop := context.WithCancel(s.ctx())
		var readers sync.WaitGroup
		for range 8 {
			readers.Go(func() { readWhole(ctx, t, s, size) })
		}
		for i := range batches {
			var b track.Batch
			for j := range size {
				b.Fixes = append(b.Fixes, fix("acme", "e1", i*size+j))
			}
			b.After, b.Through = uint64(i*size), uint64((i+1)*size)
			b.Positions = []track.Position{{Fix: b.Fixes[size-1], Changed: b.Through}}
			if _, err := s.Commit(s.ctx(), b); err != nil {
				t.Error(err)
				break
			}
		}
		stop()
		readers.Wait()
		equal(t, "stats", s.stats("acme"), track.Stats{Employees: 1, Fixes: batches * size, Seq: batches * size})
	}},
	{"Two committers", func(t *testing.T, s suite) {
		var (
			wg   sync.WaitGroup
			mu   sync.Mutex
			wins int
		)
		for i := range 8 {
			wg.Go(func() {
				_, err := s.Commit(s.ctx(), track.Batch{Through: 1, Fixes: fixes("acme", fmt.Sprint("e", i), 5)})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					wins++
				} else if !errors.Is(err, track.ErrConflict) {
					t.Errorf("got error %v, want %v", err, track.ErrConflict)
				}
			})
		}
		wg.Wait()
		equal(t, "winners", wins, 1)
		equal(t, "stats", s.stats("acme"), track.Stats{Employees: 1, Fixes: 5, Seq: 5})
	}},
	{"Directory beside a committer", func(t *testing.T, s suite) {
		s.addCompany("acme")
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range 50 {
				if err := s.AddEmployees(s.ctx(), "acme", []track.Employee{{ID: fmt.Sprint("e", i), Name: "A"}}); err != nil && !errors.Is(err, track.ErrExists) {
					t.Error(err)
				}
			}
		})
		for i := range 50 {
			s.commitFixes(fix("acme", fmt.Sprint("e", i), i))
		}
		wg.Wait()
		equal(t, "stats", s.stats("acme"), track.Stats{Employees: 50, Fixes: 50, Seq: 50})
	}},
}

// readWhole reads until ctx ends, and wants to see whole batches only.
func readWhole(ctx context.Context, t *testing.T, s track.Store, size int) {
	var last int64
	for ctx.Err() == nil {
		st, err := s.Stats(ctx, "acme")
		if err == nil && (st.Fixes%int64(size) != 0 || st.Fixes < last || uint64(st.Fixes) != st.Seq) {
			t.Errorf("half a batch is visible: %+v after %d", st, last)
			return
		}
		last = max(last, st.Fixes)
		if err == nil {
			var fs []track.Fix
			fs, _, err = s.Fixes(ctx, track.FixFilter{Company: "acme", Employee: "e1", Limit: 10000})
			if err == nil && (len(fs)%size != 0 || int64(len(fs)) < last) {
				t.Errorf("%d fixes are visible after %d were counted", len(fs), last)
				return
			}
		}
		if err == nil {
			_, err = s.Positions(ctx, "acme")
		}
		if err != nil && ctx.Err() == nil {
			t.Error(err)
			return
		}
	}
}
