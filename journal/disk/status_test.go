package disk_test

import (
	"errors"
	"testing"

	"fieldcast/journal"
	"fieldcast/journal/disk"
)

func TestStatus(t *testing.T) {
	free := int64(1 << 40)
	j, err := disk.Open(t.TempDir(), disk.Options{MaxBytes: 64 << 20, Free: func(string) (int64, error) { return free, nil }})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Status(); err != nil {
		t.Errorf("an empty journal: %v", err)
	}
	free = 20 << 20
	if err := j.Status(); !errors.Is(err, journal.ErrFull) {
		t.Errorf("a disk without room: got %v, want ErrFull", err)
	}
	free = 1 << 40
	for err == nil {
		_, err = j.Append(t.Context(), journal.Record{Kind: journal.Message, Payload: make([]byte, 200_000)})
	}
	if !errors.Is(err, journal.ErrFull) || !errors.Is(j.Status(), journal.ErrFull) {
		t.Errorf("a journal at its limit: append %v, status %v", err, j.Status())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Status(); err == nil {
		t.Error("a closed journal is well")
	}
	if err := new(disk.Journal).Status(); err == nil {
		t.Error("a journal that was never opened is well")
	}
}

// A limit that was lowered below the size of the newest file does not lock the
// journal for good: once the bridge has taken everything over, there is room.
func TestLoweredLimit(t *testing.T) {
	dir := t.TempDir()
	const old, lowered = 64 << 20, 8 << 20 // files of 8 MiB, and of 1 MiB
	payload := make([]byte, 100_000)
	open := func(limit int64) *disk.Journal {
		j, err := disk.Open(dir, disk.Options{MaxBytes: limit})
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	j := open(old)
	for range 70 { // most of a file
		if _, err := j.Append(t.Context(), journal.Record{Kind: journal.Message, Payload: payload}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(lowered)
	defer func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}()
	var err error
	for err == nil { // the bridge is away
		_, err = j.Append(t.Context(), journal.Record{Kind: journal.Message, Payload: payload})
	}
	if !errors.Is(err, journal.ErrFull) {
		t.Fatalf("got %v, want ErrFull", err)
	}
	// Less than the lowered limit, and what is left of the old file, is used.
	if used := j.Stats().Bytes; used > lowered+8<<20 {
		t.Errorf("%d bytes are in use", used)
	}
	for i := range 300 { // the bridge is back, and takes over what comes
		if err := j.Truncate(j.Stats().Last); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Append(t.Context(), journal.Record{Kind: journal.Message, Payload: payload}); err != nil {
			t.Fatalf("record %d after the bridge is back: %v", i, err)
		}
	}
	if used := j.Stats().Bytes; used > lowered {
		t.Errorf("%d bytes are in use when the old file has gone", used)
	}
}
