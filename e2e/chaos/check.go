//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"fieldcast/e2e/binary"
	"fieldcast/track"
)

// check compares everything that was ever published in this world with what is
// stored, by REST as a manager would see it: nothing acknowledged is missing,
// nothing is there twice or out of nowhere, each person's order and last-known
// position are right, and no company sees anything of another.
func (w *world) check(ctx context.Context) error {
	err := binary.Await(ctx, commitWait, "the server is ready and everything is stored", func() bool {
		return w.server.Metric("fieldcast_journal_lag_records") == 0 && w.server.Status("/readyz", "") == http.StatusOK
	})
	if err != nil {
		_, said := w.server.Fetch("/readyz", "")
		return fmt.Errorf("%w; readiness says %q; the log ends with %s", err, said, w.server.Log.Tail(500))
	}
	stored := map[[2]string][]track.Fix{}
	var errs []error
	for i := range w.settled {
		s := &w.settled[i]
		s.verdict, err = s.ledger.CheckCompanies(func(company, employee string) ([]track.Fix, error) {
			fixes, err := w.server.Fixes(company, employee, w.tokens[company])
			stored[[2]string{company, employee}] = fixes
			return fixes, err
		})
		errs = append(errs, err, s.verdict.Err())
	}
	for _, c := range companies {
		errs = append(errs, w.checkCompany(c, stored))
	}
	for _, o := range w.watch {
		errs = append(errs, o.err())
	}
	return errors.Join(errs...)
}

// checkCompany compares a company's counters and positions with its fixes.
func (w *world) checkCompany(company string, stored map[[2]string][]track.Fix) error {
	var errs []error
	newest := map[string]time.Time{}
	rows := int64(0)
	for who, fixes := range stored {
		if who[0] != company {
			continue
		}
		rows += int64(len(fixes))
		for _, f := range fixes {
			if f.Company != company || f.Employee != who[1] {
				errs = append(errs, fmt.Errorf("tenancy: a fix of %s/%s was given as one of %s/%s", f.Company, f.Employee, company, who[1]))
			}
			if f.RecordedAt.After(newest[who[1]]) && f.RecordedAt.After(believed) {
				newest[who[1]] = f.RecordedAt
			}
		}
	}
	stats, err := w.server.Stats(company, w.tokens[company])
	if err != nil {
		return err
	}
	if stats.Fixes != rows {
		errs = append(errs, fmt.Errorf("counters: %s has %d fixes, its statistics say %d", company, rows, stats.Fixes))
	}
	if stats.Rejected != w.rejected {
		errs = append(errs, fmt.Errorf("counters: %d messages of %s were rejected, want %d", stats.Rejected, company, w.rejected))
	}
	errs = append(errs, w.checkPositions(company, newest), w.checkStrangers(company))
	return errors.Join(errs...)
}

// fewExamples is how many of a kind a report shows.
const fewExamples = 5

// believed is when phones' clocks begin to be believed: what a phone recorded
// before it had the time is kept, and never shown as where somebody is.
var believed = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// checkPositions compares last-known positions with the newest fix of each. It
// stops at the first few that differ.
func (w *world) checkPositions(company string, newest map[string]time.Time) error {
	positions, err := w.server.Positions(company, w.tokens[company])
	if err != nil {
		return err
	}
	var errs []error
	seen := map[string]bool{}
	for _, p := range positions {
		if w.outsiders[p.Employee] || len(errs) >= fewExamples {
			continue
		}
		seen[p.Employee] = true
		want, known := newest[p.Employee]
		if p.Company != company || !known {
			errs = append(errs, fmt.Errorf("tenancy: %s/%s is shown to %s, which has no such fix", p.Company, p.Employee, company))
		} else if !w.episode.wanders && !p.RecordedAt.Equal(want) {
			errs = append(errs, fmt.Errorf("last-known: %s/%s is shown as of %v, the newest fix is of %v", company, p.Employee, p.RecordedAt, want))
		}
	}
	for employee := range newest {
		if !seen[employee] && len(errs) < fewExamples {
			errs = append(errs, fmt.Errorf("last-known: %s/%s has fixes and no position", company, employee))
		}
	}
	return errors.Join(errs...)
}

// checkStrangers asks for a company with the tokens of the others.
func (w *world) checkStrangers(company string) error {
	for _, other := range companies {
		if other == company {
			continue
		}
		for _, path := range []string{"positions", "stats", "rejected"} {
			code, _ := w.server.Fetch("/api/v1/companies/"+company+"/"+path, w.tokens[other])
			if code != http.StatusForbidden && code != http.StatusNotFound {
				return fmt.Errorf("tenancy: a manager of %s asks for %s of %s and gets %d", other, path, company, code)
			}
		}
	}
	return nil
}
