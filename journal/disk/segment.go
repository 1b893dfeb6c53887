package disk

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// A segment file of raft-wal: a header, then frames. Each group of records is
// as many entry frames, perhaps the index of the file, and a commit frame with
// the CRC32C of everything since the commit before it (or since the beginning).
// raft-wal checks only the last commit, takes everything behind the first
// damaged frame for an unfinished write, and leaves that in the file. So the
// newest file is checked here first, commit by commit.
const (
	segmentHeader = 32
	frameHeader   = 8
)

// extent is the undamaged part of a segment file.
type extent struct {
	end        int64  // offset behind the last good commit; 0 if there is none
	last       uint64 // the last record in it; before the file's first if there is none
	indexStart uint64 // where the index begins, if the last good group sealed the file
}

// recoverSegment brings the newest file into a state from which raft-wal can go
// on: whatever follows the last complete group is overwritten with zeros, and
// the file is synced, since records that a killed process left in the page
// cache were never synced. It returns how many bytes of an unfinished write
// were dropped. If records of a later group follow the damage, then the damaged
// group had been acknowledged: that is [journal.ErrCorrupt]'s case, and nothing
// is changed. So is a file that is shorter than it was made.
func recoverSegment(path string, info types.SegmentInfo, s salt) (extent, int64, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0o600) //nolint:gosec // our own file
	if err != nil {
		return extent{}, 0, err
	}
	defer f.Close()
	good, err := walk(f, info)
	if err == nil {
		err = checkLength(f, info, good)
	}
	if err != nil {
		return extent{}, 0, err
	}
	size, err := usedFrom(f, good.end)
	if err != nil {
		return extent{}, 0, err
	}
	if size > good.end {
		if err := checkUnfinished(f, good, size, s); err != nil {
			return extent{}, 0, err
		}
		if err := zero(f, good.end, size); err != nil {
			return extent{}, 0, err
		}
	}
	if err := f.Sync(); err != nil {
		return extent{}, 0, err
	}
	return good, size - good.end, nil
}

// checkLength returns an error if the file has lost its end. It was allocated
// as a whole before anything was written, and its length was synced with the
// first group: no crash makes it shorter, and what the end held may have been
// acknowledged.
func checkLength(f *os.File, info types.SegmentInfo, good extent) error {
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	if good.end > 0 && stat.Size() < int64(info.SizeLimit) {
		return fmt.Errorf("%w: it is %d bytes long and was %d: what stood behind record %d may be missing",
			errRecord, stat.Size(), info.SizeLimit, good.last)
	}
	return nil
}

// walk reads commit by commit as far as all is well.
func walk(f io.ReaderAt, info types.SegmentInfo) (extent, error) {
	good := extent{last: info.BaseIndex - 1}
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), 256<<10)
	crc := crc32.New(castagnoli)
	if _, err := io.CopyN(crc, r, segmentHeader); err != nil {
		return good, ignoreEOF(err)
	}
	var (
		head [frameHeader]byte
		off  int64 = segmentHeader
		last       = good.last
	)
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return good, ignoreEOF(err)
		}
		n := binary.LittleEndian.Uint32(head[4:])
		switch kind := head[0]; {
		case head[1]|head[2]|head[3] != 0:
			return good, nil
		case kind == segment.FrameCommit:
			if n != crc.Sum32() {
				return good, nil
			}
			off += frameHeader
			good.end, good.last = off, last
			crc.Reset()
			continue
		case kind == segment.FrameIndex:
			return walkIndex(r, crc, good, off, last, head, n)
		case kind != segment.FrameEntry || n > segment.MaxEntrySize:
			return good, nil
		}
		_, _ = crc.Write(head[:]) // never fails
		padded := (int64(n) + frameHeader - 1) / frameHeader * frameHeader
		if _, err := io.CopyN(crc, r, padded); err != nil {
			return good, ignoreEOF(err)
		}
		off += frameHeader + padded
		last++
	}
}

// walkIndex reads an index frame and the commit behind it, with which a file ends.
func walkIndex(r io.Reader, crc io.Writer, good extent, off int64, last uint64, head [frameHeader]byte, n uint32) (extent, error) {
	sum, _ := crc.(interface{ Sum32() uint32 })
	_, _ = crc.Write(head[:]) // never fails
	padded := (int64(n) + frameHeader - 1) / frameHeader * frameHeader
	if _, err := io.CopyN(crc, r, padded); err != nil {
		return good, ignoreEOF(err)
	}
	var commit [frameHeader]byte
	if _, err := io.ReadFull(r, commit[:]); err != nil {
		return good, ignoreEOF(err)
	}
	if commit[0] != segment.FrameCommit || binary.LittleEndian.Uint32(commit[4:]) != sum.Sum32() {
		return good, nil
	}
	return extent{end: off + frameHeader + padded + frameHeader, last: last, indexStart: uint64(off) + frameHeader}, nil
}

// usedFrom returns the offset behind the last byte that is not zero, or from.
func usedFrom(f io.ReaderAt, from int64) (int64, error) {
	used, buf := from, make([]byte, 256<<10)
	for off := from; ; {
		n, err := f.ReadAt(buf, off)
		if b := bytes.TrimRight(buf[:n], "\x00"); len(b) > 0 {
			used = off + int64(len(b))
		}
		off += int64(n)
		if err != nil {
			return used, ignoreEOF(err)
		}
	}
}

// checkUnfinished returns an error if what follows the good part cannot be an
// unfinished write: a record in it whose group begins later than the first
// missing one was only written after that one had been synced.
func checkUnfinished(f io.ReaderAt, good extent, size int64, s salt) error {
	rest := make([]byte, size-good.end)
	if _, err := f.ReadAt(rest, good.end); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if good.indexStart != 0 {
		return fmt.Errorf("there are %d bytes behind its index: %w", len(rest), errRecord)
	}
	var codec wal.BinaryCodec
	for off := 0; off+frameHeader <= len(rest); off += frameHeader {
		head := rest[off : off+frameHeader]
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		if head[0] != segment.FrameEntry || head[1]|head[2]|head[3] != 0 || n == 0 || n > int64(len(rest)-off-frameHeader) {
			continue
		}
		var log raft.Log
		if err := decodeLog(&codec, rest[off+frameHeader:][:n], &log); err != nil {
			continue
		}
		if r, place, err := s.decode(log.Data); err == nil && r.Seq-uint64(place) > good.last+1 {
			return fmt.Errorf("record %d is damaged, and record %d behind it is not: %w", good.last+1, r.Seq, errRecord)
		}
	}
	return nil
}

// decodeLog undoes the encoding of raft-wal, which panics on some damages.
func decodeLog(codec *wal.BinaryCodec, b []byte, log *raft.Log) (err error) {
	defer recoverDamage(&err)
	return codec.Decode(b, log)
}

// recoverDamage turns a panic over damaged bytes into an error.
func recoverDamage(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errRecord, p)
	}
}

func zero(f io.WriterAt, from, to int64) error {
	buf := make([]byte, min(to-from, 256<<10))
	for off := from; off < to; off += int64(len(buf)) {
		if _, err := f.WriteAt(buf[:min(int64(len(buf)), to-off)], off); err != nil {
			return err
		}
	}
	return nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// sealedBytes is the size of what a sealed file holds.
func sealedBytes(info types.SegmentInfo) int64 {
	index := int64(info.MaxIndex-info.BaseIndex+1) * 4
	return int64(info.IndexStart) + (index+frameHeader-1)/frameHeader*frameHeader + frameHeader
}
