// Package disk keeps the journal in a folder of the local disk, on the
// write-ahead log of hashicorp/raft-wal. [Open] it, hand it to the broker and
// the bridge as a [journal.Journal], [Journal.Close] it at the end.
//
//	j, err := disk.Open("data/journal", disk.Options{MaxBytes: 10 << 30})
//	if err != nil {
//		return err
//	}
//	defer j.Close()
//	seq, err := j.Append(ctx, record) // returns after fsync
//
// # Durability
//
// All appends that wait share one fsync; what arrives while the disk is busy
// goes into the next one. A failed write or fsync is final: see
// [journal.ErrFailed]. What a crash left half written is cut off at the next
// Open; damage anywhere else is [journal.ErrCorrupt].
//
// DESIGN.md in this folder has the reasons.
package disk
