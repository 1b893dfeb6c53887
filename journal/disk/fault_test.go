package disk_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fieldcast/journal"
	"fieldcast/journal/disk"

	"github.com/prometheus/client_golang/prometheus"
)

// breaker makes one kind of operation fail while it is on.
type breaker struct {
	op    disk.Op
	err   error
	on    atomic.Bool
	count atomic.Int64 // failed operations
}

func (b *breaker) fault(op disk.Op, _ string) error {
	if op == b.op && b.on.Load() {
		b.count.Add(1)
		return b.err
	}
	return nil
}

func TestFailedWriteIsFinal(t *testing.T) {
	for _, test := range []struct {
		op  disk.Op
		err error
	}{{disk.OpWrite, syscall.EIO}, {disk.OpSync, syscall.EIO}, {disk.OpWrite, syscall.ENOSPC}} {
		t.Run(string(test.op)+" "+test.err.Error(), func(t *testing.T) {
			dir := t.TempDir()
			b := &breaker{op: test.op, err: test.err}
			j := mustOpen(t, dir, disk.Options{Fault: b.fault})
			fill(t, j, 10)
			b.on.Store(true)

			var group sync.WaitGroup
			for range 20 {
				group.Go(func() {
					_, err := j.Append(t.Context(), journal.Record{})
					if !errors.Is(err, journal.ErrFailed) || !errors.Is(err, test.err) {
						t.Errorf("append: %v", err)
					}
				})
			}
			waiting := make(chan error, 1)
			group.Go(func() {
				_, err := j.Read(t.Context(), 11, 1)
				waiting <- err
			})
			group.Wait()
			if err := <-waiting; !errors.Is(err, journal.ErrFailed) {
				t.Errorf("waiting read: %v", err)
			}
			await(t, j.Failed())
			b.on.Store(false) // the disk is well again; what it holds is not known
			if _, err := j.Append(t.Context(), journal.Record{}); !errors.Is(err, journal.ErrFailed) {
				t.Errorf("append afterwards: %v", err)
			}
			if n := b.count.Load(); n != 1 {
				t.Errorf("%d operations after the first failure", n-1)
			}
			if err := j.Truncate(1); !errors.Is(err, journal.ErrFailed) {
				t.Errorf("truncate: %v", err)
			}
			if err := j.Skip(100); !errors.Is(err, journal.ErrFailed) {
				t.Errorf("skip: %v", err)
			}
			if rs, err := j.Read(t.Context(), 1, 10); err != nil || len(rs) != 10 {
				t.Errorf("durable records: %d, error %v", len(rs), err)
			}
			if err := j.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			// The records of the failed write may be there or not; those before are.
			j = mustOpen(t, dir, disk.Options{})
			defer j.Close()
			if rs, err := j.Read(t.Context(), 1, 10); err != nil || len(rs) != 10 {
				t.Errorf("after reopening: %d records, error %v", len(rs), err)
			}
		})
	}
}

// A change of files happens behind the append that filled one. Its failure must
// not wait for the next append to be seen, and loses nothing.
func TestFailedChangeOfFiles(t *testing.T) {
	for _, op := range []disk.Op{disk.OpMeta, disk.OpCreate} {
		t.Run(string(op), func(t *testing.T) {
			dir := t.TempDir()
			b := &breaker{op: op, err: syscall.ENOSPC}
			j := mustOpen(t, dir, disk.Options{SegmentBytes: 64 << 10, Fault: b.fault})
			b.on.Store(true)
			acked := uint64(0)
			for {
				seq, err := j.Append(t.Context(), journal.Record{Kind: journal.Message, Payload: payloadOf(acked + 1)})
				if err != nil {
					if !errors.Is(err, journal.ErrFailed) || !errors.Is(err, syscall.ENOSPC) {
						t.Errorf("append: %v", err)
					}
					break
				}
				acked = seq
				if acked > 5000 {
					t.Fatal("files were never changed")
				}
			}
			await(t, j.Failed())
			if err := j.Err(); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "no space left") {
				t.Errorf("cause: %v", err)
			}
			if err := j.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			for range 2 {
				last, err := survey(t, dir)
				if err != nil || last != acked {
					t.Fatalf("after reopening: last %d, error %v; want %d", last, err, acked)
				}
			}
			j = mustOpen(t, dir, smallFiles)
			fill(t, j, 1000)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if last, err := survey(t, dir); err != nil || last != acked+1000 {
				t.Fatalf("after going on: last %d, error %v; want %d", last, err, acked+1000)
			}
		})
	}
}

func TestFailedTruncation(t *testing.T) {
	dir := t.TempDir()
	b := &breaker{op: disk.OpMeta, err: syscall.EIO}
	j := mustOpen(t, dir, disk.Options{SegmentBytes: 64 << 10, Fault: b.fault})
	fill(t, j, 700)
	b.on.Store(true)
	if err := j.Truncate(650); err != nil {
		t.Fatal(err)
	}
	await(t, j.Failed())
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if last, err := survey(t, dir); err != nil || last != 700 {
		t.Errorf("after reopening: last %d, error %v", last, err)
	}
}

// A file that cannot be deleted costs space, and is deleted the next time.
func TestFailedDelete(t *testing.T) {
	dir := t.TempDir()
	b := &breaker{op: disk.OpDelete, err: syscall.EBUSY}
	j := mustOpen(t, dir, disk.Options{SegmentBytes: 64 << 10, Fault: b.fault})
	fill(t, j, 700)
	n := len(segments(t, dir))
	b.on.Store(true)
	if err := j.Truncate(700); err != nil {
		t.Fatal(err)
	}
	fill(t, j, 1)
	if err := j.Err(); err != nil {
		t.Errorf("a file that stays is no failure: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(segments(t, dir)); got != n {
		t.Fatalf("%d files, want %d", got, n)
	}
	if last, err := survey(t, dir); err != nil || last != 701 {
		t.Errorf("after reopening: last %d, error %v", last, err)
	}
	if got := len(segments(t, dir)); got >= n {
		t.Errorf("%d files are left after reopening", got)
	}
}

func TestUnreadableRecord(t *testing.T) {
	dir := t.TempDir()
	b := &breaker{op: disk.OpRead, err: syscall.EIO}
	j := mustOpen(t, dir, disk.Options{TailRecords: 1, Fault: b.fault})
	defer j.Close()
	fill(t, j, 10)
	b.on.Store(true)
	_, err := j.Read(t.Context(), 3, 1)
	if !errors.Is(err, journal.ErrCorrupt) || !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "record 3 in 0") {
		t.Errorf("read: %v", err)
	}
}

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, disk.Options{})
	_, err := disk.Open(dir, disk.Options{})
	if err == nil || !strings.Contains(err.Error(), "journal "+dir+" is in use by another process") {
		t.Errorf("second open: %v", err)
	}
	fill(t, j, 1)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mustOpen(t, dir, disk.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPermissions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "journal")
	j := mustOpen(t, dir, smallFiles)
	defer j.Close()
	fill(t, j, 700)
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUnopened(t *testing.T) {
	var j disk.Journal
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := j.Append(ctx, journal.Record{}); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if _, err := j.Read(ctx, 1, 1); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if err := j.Truncate(1); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("truncate: %v", err)
	}
	if err := j.Skip(1); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("skip: %v", err)
	}
	if s := j.Stats(); s.First != 1 || s.Last != 0 {
		t.Errorf("stats: %+v", s)
	}
	if err := errors.Join(j.Err(), j.Close(), j.Close()); err != nil {
		t.Error(err)
	}
}

func TestBadOptions(t *testing.T) {
	for name, o := range map[string]disk.Options{
		"negative limit":   {MaxBytes: -1},
		"tiny limit":       {MaxBytes: 1000},
		"negative segment": {SegmentBytes: -1},
		"negative tail":    {TailRecords: -1},
	} {
		if j, err := disk.Open(t.TempDir(), o); err == nil {
			j.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOversizedRecord(t *testing.T) {
	j := mustOpen(t, t.TempDir(), disk.Options{})
	defer j.Close()
	_, err := j.Append(t.Context(), journal.Record{Payload: make([]byte, 17<<20)})
	if err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("append: %v", err)
	}
	fill(t, j, 1)
}

// The disk never holds more than the limit, file allocated ahead included.
func TestLimitOnDisk(t *testing.T) {
	const limit = 2 << 20
	dir := t.TempDir()
	j := mustOpen(t, dir, disk.Options{MaxBytes: limit})
	defer j.Close()
	for {
		if _, err := j.Append(t.Context(), journal.Record{Payload: make([]byte, 3000)}); errors.Is(err, journal.ErrFull) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	total := int64(0)
	for _, name := range segments(t, dir) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > limit || total < limit/2 {
		t.Errorf("%d bytes on disk, the limit is %d", total, limit)
	}
	if s := j.Stats(); s.Bytes > total {
		t.Errorf("stats say %d, on disk are %d", s.Bytes, total)
	}
}

// A disk that is nearly full takes nothing, which is no failure; what is
// written already can be read, and it goes on when there is space again.
func TestNearlyFullDisk(t *testing.T) {
	var free atomic.Int64
	free.Store(1 << 40)
	j := mustOpen(t, t.TempDir(), disk.Options{Free: func(string) (int64, error) { return free.Load(), nil }})
	defer j.Close()
	fill(t, j, 3)
	free.Store(20 << 20)
	_, err := j.Append(t.Context(), journal.Record{Payload: payloadOf(4)})
	if !errors.Is(err, journal.ErrFull) || !strings.Contains(err.Error(), "has only 20971520 bytes left") {
		t.Errorf("append: %v", err)
	}
	if rs, err := j.Read(t.Context(), 1, 10); err != nil || len(rs) != 3 || j.Err() != nil {
		t.Errorf("read: %d records, error %v; failed: %v", len(rs), err, j.Err())
	}
	free.Store(1 << 40)
	fill(t, j, 3)
}

func TestMetrics(t *testing.T) {
	dir, registry := t.TempDir(), prometheus.NewRegistry()
	for range 2 { // the second journal finds the names free
		j := mustOpen(t, dir, disk.Options{Registerer: registry})
		fill(t, j, 3)
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, f := range families {
			names[f.GetName()] = true
			if f.GetName() == "fieldcast_journal_append_seconds" && f.GetMetric()[0].GetHistogram().GetSampleCount() != 3 {
				t.Errorf("got %v", f)
			}
		}
		for _, name := range []string{"fieldcast_journal_append_seconds", "fieldcast_journal_bytes", "fieldcast_journal_records"} {
			if !names[name] {
				t.Errorf("%s is missing", name)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func await(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(30 * time.Second):
		t.Fatal("waited for 30 s")
	}
}
