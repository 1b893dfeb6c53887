package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"fieldcast/e2e/binary"
	"fieldcast/journal"
	"fieldcast/journal/disk"
)

// recovery starts a server whose journal was left full, as when its database
// was away and the machine lost power: until it is ready, and until everything
// is in the store.
func (b *bench) recovery(ctx context.Context) (_ string, err error) {
	data, err := b.folder("recovery")
	if err != nil {
		return "", err
	}
	s, err := binary.New(b.program, data, "")
	if err != nil {
		return "", err
	}
	if _, err := s.CLI("company", "add", company); err != nil {
		return "", err
	}
	if _, err := s.CLI("employee", "add", company, "--count", fmt.Sprint(people), "--prefix", "e"); err != nil {
		return "", err
	}
	if err := b.fill(ctx, data); err != nil {
		return "", err
	}
	began := time.Now()
	defer s.Kill()
	if err := s.Start(ctx); err != nil {
		return "", err
	}
	ready := time.Since(began)
	if err := binary.Await(ctx, 30*time.Minute, "the journal is in the store", func() bool { return s.Metric("fieldcast_journal_lag_records") == 0 }); err != nil {
		return "", err
	}
	stored := time.Since(began)
	token, err := s.Token(company, "manager")
	if err != nil {
		return "", err
	}
	stats, err := s.Stats(company, token)
	if err != nil {
		return "", err
	}
	if int(stats.Fixes) != b.records {
		return "", fmt.Errorf("%d of %d records are stored", stats.Fixes, b.records)
	}
	var w strings.Builder
	fmt.Fprintf(&w, "A server is started with %d records in its journal, on SQLite.\n%s\n\n", b.records, conditions())
	fmt.Fprintf(&w, "| records | ready for phones | all in the store | that is, a second |\n|---|---|---|---|\n| %d | %s | %s | %.0f |\n",
		b.records, seconds(ready), seconds(stored), float64(b.records)/stored.Seconds())
	return w.String(), nil
}

// people publish in turn what is recovered.
const people = 1000

// fill writes the journal that the server finds.
func (b *bench) fill(ctx context.Context, data string) error {
	j, err := disk.Open(filepath.Join(data, "journal"), disk.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	const writers = 500
	began := time.Now().Add(-24 * time.Hour)
	errs := make([]error, writers)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for n := w; n < b.records && errs[w] == nil; n += writers {
				at := began.Add(time.Duration(n/people) * time.Second)
				id := fmt.Sprintf("e%d", n%people+1)
				payload := fmt.Appendf(nil, `{"_type":"location","lat":%.7f,"lon":%.7f,"tst":%d,"acc":8,"batt":81,"vel":12,"cog":90}`,
					12.97+float64(n%people)*1e-4, 77.59+float64(n/people)*1e-5, at.Unix())
				_, errs[w] = j.Append(ctx, journal.Record{
					Kind: journal.Message, Company: company, Employee: id, Topic: "fc/" + company + "/" + id, Payload: payload, ReceivedAt: at,
				})
			}
		})
	}
	group.Wait()
	return errors.Join(append(errs, j.Close())...)
}

// seconds says a time span.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
