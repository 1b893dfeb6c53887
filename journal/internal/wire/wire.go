// Package wire writes the fields of a [journal.Record] as bytes and reads them
// back. What stands before them (number, checksum) is up to each journal.
//
//	kind (1 byte), company, employee, topic, rejected, size, received (seconds,
//	nanoseconds), payload; strings and payload with their length before them,
//	numbers as varints
package wire

import (
	"encoding/binary"
	"errors"
	"time"

	"fieldcast/journal"
)

// ErrFields: the bytes are not the fields of one record.
var ErrFields = errors.New("its fields do not fit its length")

// Append writes the fields of r behind head zero bytes, which the caller fills
// in. The payload is at the end.
func Append(r *journal.Record, head int) []byte {
	n := head + 1 + 7*binary.MaxVarintLen64 + binary.MaxVarintLen32 +
		len(r.Company) + len(r.Employee) + len(r.Topic) + len(r.Rejected) + len(r.Payload)
	b := make([]byte, head, n)
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

// Parse reads what [Append] has written, without the head. The payload is a
// part of b; Seq is not set. Returns [ErrFields].
func Parse(b []byte) (journal.Record, error) {
	var r journal.Record
	d := decoder{rest: b}
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
		return journal.Record{}, ErrFields
	}
	return r, nil
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
