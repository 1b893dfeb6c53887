package disk

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Bounds of what is held in memory and of the files on disk.
const (
	defaultSegmentBytes = 64 << 20 // a file; space is given back a file at a time
	minSegmentBytes     = 64 << 10
	maxSegmentBytes     = 1 << 30 // raft-wal counts offsets in 32 bits

	defaultTailRecords = 16 << 10 // 5 s of 100,000 phones at one fix in 30 s
	defaultTailBytes   = 16 << 20

	groupBytes   = 1 << 20          // most bytes that share an fsync, if a file holds them
	groupRecords = 8 << 10          // most records that share an fsync
	groupEvery   = time.Millisecond // between the beginnings of two fsyncs
	readBytes    = 4 << 20          // most bytes that one Read takes from the disk
	maxRecord    = 16 << 20         // largest record; MQTT payloads are far smaller

	// spareBytes stays free beside the next file: for the list of files, and for
	// the database, which makes room in the journal by taking records over.
	spareBytes = 16 << 20

	// segmentsInLimit is how many files MaxBytes is split into at least, so that
	// cutting off frees space long before the limit is reached.
	segmentsInLimit = 8
)

// Options of [Open]. The zero value is usable.
type Options struct {
	// MaxBytes limits the space on disk; past it Append returns
	// [journal.ErrFull]. 0 is no limit. At least 512 KiB otherwise.
	MaxBytes int64
	// SegmentBytes is the size of a file; 0 is 64 MiB. Files are allocated
	// ahead, and are smaller if MaxBytes would not hold 8 of them.
	SegmentBytes int
	// TailRecords and TailBytes bound the newest records kept in memory for
	// readers that keep up; 0 is 16,384 records and 16 MiB.
	TailRecords int
	TailBytes   int
	// Logger gets what the operator should know; nil discards it.
	Logger *slog.Logger
	// Registerer gets the metrics; nil is no metrics.
	Registerer prometheus.Registerer
	// Free, for tests, returns the free bytes of the disk that holds a folder;
	// nil asks the file system. With less than a file and 16 MiB left, Append
	// returns [journal.ErrFull].
	Free func(dir string) (int64, error)
	// Fault, for tests, is called before each operation on a file. An error
	// that it returns is what the operation ends with.
	Fault func(op Op, file string) error
}

// Op is an operation on a file, for [Options.Fault].
type Op string

// The operations.
const (
	OpCreate Op = "create"
	OpRead   Op = "read"
	OpWrite  Op = "write"
	OpSync   Op = "sync"
	OpDelete Op = "delete"
	OpMeta   Op = "meta" // a change to the list of files
)

func (o Options) withDefaults() (Options, error) {
	if o.MaxBytes < 0 || o.SegmentBytes < 0 || o.TailRecords < 0 || o.TailBytes < 0 {
		return o, fmt.Errorf("sizes must not be negative")
	}
	if o.MaxBytes > 0 && o.MaxBytes < segmentsInLimit*minSegmentBytes {
		return o, fmt.Errorf("the size limit is %d bytes; it must be at least %d", o.MaxBytes, segmentsInLimit*minSegmentBytes)
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = defaultSegmentBytes
	}
	if o.MaxBytes > 0 {
		o.SegmentBytes = int(min(int64(o.SegmentBytes), o.MaxBytes/segmentsInLimit))
	}
	o.SegmentBytes = min(max(o.SegmentBytes, minSegmentBytes), maxSegmentBytes)
	if o.TailRecords == 0 {
		o.TailRecords = defaultTailRecords
	}
	if o.TailBytes == 0 {
		o.TailBytes = defaultTailBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Free == nil {
		o.Free = freeSpace
	}
	if o.Fault == nil {
		o.Fault = func(Op, string) error { return nil }
	}
	return o, nil
}

// groupBytes is the most bytes that share an fsync. Files close behind the group
// that fills them: a group larger than a file would make space come back late.
func (o Options) groupBytes() int { return min(groupBytes, o.SegmentBytes) }
