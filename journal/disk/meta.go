package disk

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// What is kept beside raft-wal's list of files.
var (
	saltKey   = []byte("fieldcast-salt")
	closedKey = []byte("fieldcast-closed-after") // the last record when the journal was closed
)

// meta keeps the list of files, durably, and remembers it.
type meta struct {
	inner metadb.BoltMetaDB
	fault func(Op, string) error
	fail  func(error)

	mu       sync.Mutex
	segments []types.SegmentInfo // oldest first
}

var _ types.MetaStore = (*meta)(nil)

// Load implements [types.MetaStore].
func (m *meta) Load(dir string) (types.PersistentState, error) {
	state, err := m.inner.Load(dir)
	if err == nil {
		m.remember(state)
	}
	return state, err
}

// CommitState implements [types.MetaStore].
func (m *meta) CommitState(state types.PersistentState) error {
	err := m.fault(OpMeta, metadb.FileName)
	if err == nil {
		err = m.inner.CommitState(state)
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %w", OpMeta, metadb.FileName, err)
		m.fail(err)
		return err
	}
	m.remember(state)
	return nil
}

// GetStable implements [types.MetaStore].
func (m *meta) GetStable(key []byte) ([]byte, error) { return m.inner.GetStable(key) }

// SetStable implements [types.MetaStore].
func (m *meta) SetStable(key, value []byte) error { return m.inner.SetStable(key, value) }

// Close implements [types.MetaStore].
func (m *meta) Close() error { return m.inner.Close() }

func (m *meta) remember(state types.PersistentState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.segments = slices.Clone(state.Segments)
}

// fileOf names the file that holds a record.
func (m *meta) fileOf(seq uint64) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, info := range slices.Backward(m.segments) {
		if info.BaseIndex <= seq {
			return segment.FileName(info)
		}
	}
	return "(no file)"
}

// freeable returns the last record of the files that hold no record from first
// on. The file with the newest record is never one of them: raft-wal would
// forget where the numbers stand, and mixes up its files if all of them are cut
// off while it begins a new one.
func (m *meta) freeable(first, last uint64) (through uint64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, info := range m.segments {
		if info.SealTime.IsZero() || info.MaxIndex >= min(first, last) {
			break
		}
		through, ok = info.MaxIndex, true
	}
	return through, ok
}

// loadSalt returns the salt of the journal, making it for a new one.
func (m *meta) loadSalt(isNew bool) (salt, error) {
	var s salt
	b, err := m.GetStable(saltKey)
	switch {
	case err != nil:
		return s, err
	case len(b) == len(s):
		copy(s[:], b)
		return s, nil
	case len(b) > 0 || !isNew:
		return s, errors.New("the list of files was not written by this program")
	}
	if _, err := rand.Read(s[:]); err != nil {
		return s, err
	}
	return s, m.SetStable(saltKey, s[:])
}

// closedAfter returns the last record at the last orderly end; 0 if there was none.
func (m *meta) closedAfter() (uint64, error) {
	b, err := m.GetStable(closedKey)
	if err != nil || len(b) != 8 {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

func (m *meta) setClosedAfter(seq uint64) error {
	return m.SetStable(closedKey, binary.LittleEndian.AppendUint64(nil, seq))
}

// checkFiles returns an error if there are files that the list does not know
// and that cannot be what a crash left of cutting off: raft-wal would delete
// them.
func checkFiles(dir string, state types.PersistentState) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range names {
		if !strings.HasSuffix(e.Name(), ".wal") {
			continue
		}
		known := slices.ContainsFunc(state.Segments, func(info types.SegmentInfo) bool {
			return e.Name() == segment.FileName(info)
		})
		before := len(state.Segments) > 0 && e.Name() < segment.FileName(state.Segments[0])
		if !known && !before {
			return fmt.Errorf("%s is not in the list of files of %s", filepath.Join(dir, e.Name()), metadb.FileName)
		}
	}
	return nil
}

// sealNewest does what raft-wal does in the background after it has finished a
// file, and does not make up for when a crash comes between: it lists the
// newest file as finished and a new one behind it.
func sealNewest(state types.PersistentState, good extent, segmentBytes int) types.PersistentState {
	now := time.Now()
	state.Segments = slices.Clone(state.Segments)
	newest := &state.Segments[len(state.Segments)-1]
	newest.SealTime, newest.MaxIndex, newest.IndexStart = now, good.last, good.indexStart
	state.Segments = append(state.Segments, types.SegmentInfo{
		ID:         state.NextSegmentID,
		BaseIndex:  good.last + 1,
		MinIndex:   good.last + 1,
		Codec:      newest.Codec,
		CreateTime: now,
		SizeLimit:  uint32(segmentBytes), //nolint:gosec // at most maxSegmentBytes
	})
	state.NextSegmentID++
	return state
}
