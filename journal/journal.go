// Package journal is the contract of the durable log between the broker and
// the bridge. What [Journal.Append] has returned for is on disk; what the
// bridge has committed is cut off behind it. journal/disk and journal/redis
// implement it; journal/journaltest holds every implementation to it.
package journal

import (
	"context"
	"errors"
	"time"
)

// The failures that callers tell apart, with [errors.Is].
var (
	// ErrFull: the journal has reached its size limit. Nothing was written;
	// what is not acknowledged stays with the phones.
	ErrFull = errors.New("journal is full")
	// ErrFailed: a write or fsync failed. The journal takes nothing more until
	// it has been opened again; the process should end.
	ErrFailed = errors.New("journal has failed")
	// ErrUnavailable: the journal is on another machine, which is away. The record
	// may or may not be written, and must not be acknowledged. Later calls may
	// succeed.
	ErrUnavailable = errors.New("journal is unavailable")
	// ErrClosed: the journal has been closed.
	ErrClosed = errors.New("journal is closed")
	// ErrTruncated: the records asked for have been cut off.
	ErrTruncated = errors.New("journal records were truncated")
	// ErrCorrupt: records that were acknowledged cannot be read back.
	ErrCorrupt = errors.New("journal is corrupt")
)

// Kind tells what a record is about.
type Kind uint8

// The kinds. Their numbers are on disk and never change.
const (
	// Message is a publish of a phone.
	Message Kind = 1
	// Connected and Disconnected are the ends of a phone's session.
	Connected    Kind = 2
	Disconnected Kind = 3
	// Started says that the server started: no session of before is left.
	Started Kind = 4
)

// Record is an entry of the journal.
type Record struct {
	Seq        uint64 // set by Append: 1, 2, 3, … without a hole
	Kind       Kind
	Company    string // identity of the phone that sent it
	Employee   string
	Topic      string // as published
	Payload    []byte // as received; a prefix of it if Rejected is set
	Rejected   string // a [track.Reason], if the broker refused it at the door
	Size       int    // bytes of the payload as received
	ReceivedAt time.Time
}

// Journal is a durable, ordered log with one reader position a caller. All
// methods are safe for concurrent use.
type Journal interface {
	// Append writes a record and returns its sequence number after fsync.
	// Waiting calls share an fsync. Order of sequence numbers is order of
	// arrival. The payload is not kept after the call has returned.
	// Returns [ErrFull], [ErrFailed], [ErrClosed]; or [ErrUnavailable] or the error
	// of ctx: then the record may or may not have been written, and must not be
	// acknowledged.
	Append(ctx context.Context, r Record) (uint64, error)
	// Read returns records from seq on, in order and without a hole, at least
	// one and at most max. It waits until there is one. The records are shared:
	// callers must not change them. Only durable records are returned. A journal
	// that can lose records, and has, goes on with the first one behind them.
	// Returns [ErrTruncated] if seq has been cut off, [ErrCorrupt],
	// [ErrUnavailable], [ErrClosed], or the error of ctx.
	Read(ctx context.Context, seq uint64, max int) ([]Record, error)
	// Truncate cuts off the records through seq. It may leave some of them for
	// later, but never cuts off more.
	Truncate(seq uint64) error
	// Skip makes an empty journal give out numbers after seq, for a database
	// that has seen more than a new journal. No effect if it is beyond already.
	// A journal with records that ends before seq is another database's: then
	// Skip returns [ErrCorrupt].
	Skip(seq uint64) error
	// Stats tells how much there is.
	Stats() Stats
	// Failed is closed when the journal has failed; Err then says why.
	Failed() <-chan struct{}
	Err() error
	// Close waits for appends under way and releases the journal.
	Close() error
}

// Stats describes a journal. First > Last: it holds no records.
type Stats struct {
	First, Last uint64
	Bytes       int64 // on disk, or in the memory of another machine
	MaxBytes    int64 // the size limit; 0 if there is none
}
