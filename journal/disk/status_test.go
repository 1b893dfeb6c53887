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
