package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"

	"fieldcast/journal"
	"fieldcast/journal/internal/tail"

	"github.com/hashicorp/go-hclog"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

func open(dir string, o Options) (_ *Journal, err error) {
	if o, err = o.withDefaults(); err != nil {
		return nil, err
	}
	j := &Journal{
		dir:        dir,
		o:          o,
		log:        o.Logger,
		meta:       &meta{fault: o.Fault},
		writerDone: make(chan struct{}),
		failed:     make(chan struct{}),
		closed:     make(chan struct{}),
		changed:    make(chan struct{}),
		recent:     tail.Tail{MaxRecords: o.TailRecords, MaxBytes: o.TailBytes},
	}
	j.work.L = &j.mu
	j.files = newFiles(o.Fault, j.fail)
	j.meta.fail = j.fail
	if j.lock, err = claimFolder(dir); err != nil {
		return nil, err
	}
	if err := j.load(); err != nil {
		return nil, errors.Join(err, j.release())
	}
	j.metrics = newMetrics(j)
	if err := j.metrics.register(o.Registerer); err != nil {
		return nil, errors.Join(err, j.release())
	}
	go j.write()
	return j, nil
}

// load checks what is on disk and opens it.
func (j *Journal) load() (err error) {
	defer func() {
		damaged := errors.Is(err, errRecord) || errors.Is(err, types.ErrCorrupt) || errors.Is(err, fs.ErrNotExist)
		if damaged && !errors.Is(err, journal.ErrCorrupt) {
			err = fmt.Errorf("%w: %s: %w", journal.ErrCorrupt, j.dir, err)
		}
	}()
	defer recoverDamage(&err) // the list of files may be what is damaged
	// It is mapped into memory: a reference that leads nowhere must be a panic
	// of this goroutine, not the end of the process.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	if err := checkList(filepath.Join(j.dir, metadb.FileName)); err != nil {
		return err
	}
	state, err := j.meta.Load(j.dir)
	if err != nil {
		if system := new(fs.PathError); !errors.As(err, &system) { // bbolt cannot make sense of it
			err = fmt.Errorf("%w: %w", errRecord, err)
		}
		return err
	}
	if err := os.Chmod(filepath.Join(j.dir, metadb.FileName), 0o600); err != nil {
		return err
	}
	if err := checkFiles(j.dir, state); err != nil {
		return fmt.Errorf("%w: %w", errRecord, err)
	}
	if j.salt, err = j.meta.loadSalt(len(state.Segments) == 0); err != nil {
		return fmt.Errorf("%w: %w", errRecord, err)
	}
	if err := j.recoverNewest(state); err != nil {
		return err
	}
	j.wal, err = wal.Open(j.dir,
		wal.WithMetaStore(j.meta),
		wal.WithSegmentFiler(filer{segment.NewFiler(j.dir, j.files)}),
		wal.WithSegmentSize(j.o.SegmentBytes),
		wal.WithLogger(hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: lines{j.log}, DisableTime: true})),
	)
	if err != nil {
		return err
	}
	// A file that was created but never synced has no durable name yet.
	if err := syncDir(j.dir); err != nil {
		return err
	}
	return j.loadNumbers()
}

// recoverNewest repairs the newest file and counts the bytes of all.
func (j *Journal) recoverNewest(state types.PersistentState) error {
	for i, info := range state.Segments {
		name := segment.FileName(info)
		if !info.SealTime.IsZero() {
			j.files.grow(name, sealedBytes(info))
			continue
		}
		good, dropped, err := recoverSegment(filepath.Join(j.dir, name), info, j.salt)
		if errors.Is(err, fs.ErrNotExist) {
			// A crash between listing and creating it; raft-wal creates it. One
			// that was lost later is found by the checks of the last number.
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if dropped > 0 {
			j.log.Warn("the journal dropped an unfinished write, which was never acknowledged",
				"file", name, "after_record", good.last, "bytes", dropped)
		}
		j.files.grow(name, good.end)
		j.begun = name
		if good.indexStart != 0 && i == len(state.Segments)-1 {
			return j.meta.CommitState(sealNewest(state, good, j.o.SegmentBytes))
		}
	}
	return nil
}

// loadNumbers finds out which records there are.
func (j *Journal) loadNumbers() error {
	first, err := j.wal.FirstIndex()
	if err != nil {
		return err
	}
	last, err := j.wal.LastIndex()
	if err != nil {
		return err
	}
	closedAfter, err := j.meta.closedAfter()
	if err != nil {
		return err
	}
	if last < closedAfter {
		return fmt.Errorf("%w: the newest records are damaged: it ends with record %d, but ended with %d when it was closed",
			errRecord, last, closedAfter)
	}
	j.first, j.last, j.assigned, j.holds = max(first, 1), last, last, last > 0
	return nil
}
