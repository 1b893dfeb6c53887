package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"fieldcast/journal"
)

// A record on disk. Numbers of the head are little-endian.
//
//	byte 0       version
//	bytes 1-4    CRC32C of the journal's salt and of all other bytes
//	bytes 5-12   sequence number
//	bytes 13-16  place in its group: how many records before it share its fsync
//	kind (1 byte), company, employee, topic, rejected, size, received (seconds,
//	nanoseconds), payload; strings and payload with their length before them,
//	numbers as varints
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
	n := headBytes + 1 + 7*binary.MaxVarintLen64 + binary.MaxVarintLen32 +
		len(r.Company) + len(r.Employee) + len(r.Topic) + len(r.Rejected) + len(r.Payload)
	b := make([]byte, headBytes, n)
	b = append(b, byte(r.Kind))
	for _, s := range [...]string{r.Company, r.Employee, r.Topic, r.Rejected} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendVarint(b, int64(r.Size))
	b = binary.AppendVarint(b, r.ReceivedAt.Unix())
	b = binary.AppendUvarint(b, uint64(r.ReceivedAt.Nanosecond()))
	b = binary.AppendUvarint(b, uint64(len(r.Payload)))
	return append(b, r.Payload...)
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
	r.Seq = binary.LittleEndian.Uint64(b[5:])
	place := binary.LittleEndian.Uint32(b[13:])
	d := decoder{rest: b[headBytes:]}
	r.Kind = journal.Kind(d.byte())
	r.Company = string(d.bytes())
	r.Employee = string(d.bytes())
	r.Topic = string(d.bytes())
	r.Rejected = string(d.bytes())
	r.Size = int(d.varint())
	sec := d.varint()
	nsec := d.uvarint()
	r.ReceivedAt = time.Unix(sec, int64(nsec%1e9)).UTC()
	r.Payload = d.bytes()
	if d.bad || nsec >= 1e9 || len(d.rest) > 0 {
		return journal.Record{}, 0, fmt.Errorf("%w: its fields do not fit its length", errRecord)
	}
	return r, place, nil
}

// decoder takes fields from the front; after a bad one all are zero.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.bad = true
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	return advance(d, v, n)
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	return advance(d, v, n)
}

func advance[T uint64 | int64](d *decoder, v T, n int) T {
	if n <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// bytes returns nil for a length of 0.
func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.bad, d.rest = true, nil
	}
	if d.bad || n == 0 {
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}
