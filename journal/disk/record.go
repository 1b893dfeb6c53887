package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"fieldcast/journal"
	"fieldcast/journal/internal/wire"
)

// A record on disk. Numbers of the head are little-endian.
//
//	byte 0       version
//	bytes 1-4    CRC32C of the journal's salt and of all other bytes
//	bytes 5-12   sequence number
//	bytes 13-16  place in its group: how many records before it share its fsync
//	then the fields, as journal/internal/wire writes them
//
// The salt is random and secret: no payload can hold what looks like a record.
const (
	recordVersion = 1
	headBytes     = 17
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errRecord is what all failures of decode wrap.
var errRecord = errors.New("damaged record")

// salt belongs to one journal; see above.
type salt [4]byte

// encode writes a record without its head, which [salt.seal] fills in when its
// number is known.
func encode(r *journal.Record) []byte {
	return wire.Append(r, headBytes)
}

// seal gives an encoded record its number and checksum.
func (s salt) seal(b []byte, seq uint64, place uint32) {
	b[0] = recordVersion
	binary.LittleEndian.PutUint64(b[5:], seq)
	binary.LittleEndian.PutUint32(b[13:], place)
	binary.LittleEndian.PutUint32(b[1:], s.checksum(b))
}

func (s salt) checksum(b []byte) uint32 {
	sum := crc32.Update(0, castagnoli, s[:])
	sum = crc32.Update(sum, castagnoli, b[:1])
	return crc32.Update(sum, castagnoli, b[5:])
}

// decode reads a record and its place in its group. The payload is a part of b.
func (s salt) decode(b []byte) (journal.Record, uint32, error) {
	var r journal.Record
	if len(b) < headBytes {
		return r, 0, fmt.Errorf("%w: %d bytes are too few", errRecord, len(b))
	}
	if got, want := s.checksum(b), binary.LittleEndian.Uint32(b[1:]); got != want {
		return r, 0, fmt.Errorf("%w: checksum is %08x, not %08x", errRecord, got, want)
	}
	if b[0] != recordVersion {
		return r, 0, fmt.Errorf("%w: version %d is not known; it was written by a newer program", errRecord, b[0])
	}
	seq := binary.LittleEndian.Uint64(b[5:])
	place := binary.LittleEndian.Uint32(b[13:])
	r, err := wire.Parse(b[headBytes:])
	if err != nil {
		return journal.Record{}, 0, fmt.Errorf("%w: %w", errRecord, err)
	}
	r.Seq = seq
	return r, place, nil
}
