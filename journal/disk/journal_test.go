package disk_test

import (
	"testing"

	"fieldcast/journal"
	"fieldcast/journal/disk"
	"fieldcast/journal/journaltest"
)

func TestConformance(t *testing.T) {
	journaltest.Run(t, func(t *testing.T, dir string, maxBytes int64) journal.Journal {
		t.Helper()
		return mustOpen(t, dir, disk.Options{MaxBytes: maxBytes})
	})
}

// With small files and next to nothing in memory, readers live from the disk.
func TestConformanceFromDisk(t *testing.T) {
	journaltest.Run(t, func(t *testing.T, dir string, maxBytes int64) journal.Journal {
		t.Helper()
		return mustOpen(t, dir, disk.Options{MaxBytes: maxBytes, SegmentBytes: 64 << 10, TailRecords: 2, TailBytes: 10 << 10})
	})
}

func mustOpen(t testing.TB, dir string, o disk.Options) *disk.Journal {
	t.Helper()
	j, err := disk.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}
