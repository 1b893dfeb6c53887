package redis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"fieldcast/journal"
	"fieldcast/journal/internal/wire"

	"github.com/redis/go-redis/v9"
)

// A record is an entry of the stream with the number as its id, 0-NUMBER, and
// two fields: r, the record, and t, the bytes of all records through this one,
// so that what is cut off can be counted by looking at one entry. r is
//
//	byte 0     version
//	bytes 1-4  CRC32C of the number and all other bytes, little-endian
//	then the fields, as journal/internal/wire writes them
//
// Redis' files have no checksums of their own.
const (
	recordVersion = 1
	headBytes     = 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errRecord is what all failures of decode wrap.
var errRecord = errors.New("damaged record")

// encode writes a record without what depends on its number.
func encode(r *journal.Record) []byte {
	b := wire.Append(r, headBytes)
	b[0] = recordVersion
	return b
}

// seal gives an encoded record its number.
func seal(b []byte, seq uint64) {
	binary.LittleEndian.PutUint32(b[1:], checksum(b, seq))
}

func checksum(b []byte, seq uint64) uint32 {
	sum := crc32.Update(0, castagnoli, binary.LittleEndian.AppendUint64(nil, seq))
	sum = crc32.Update(sum, castagnoli, b[:1])
	return crc32.Update(sum, castagnoli, b[headBytes:])
}

func decode(b []byte, seq uint64) (journal.Record, error) {
	if len(b) < headBytes {
		return journal.Record{}, fmt.Errorf("%w: %d bytes are too few", errRecord, len(b))
	}
	if got, want := checksum(b, seq), binary.LittleEndian.Uint32(b[1:]); got != want {
		return journal.Record{}, fmt.Errorf("%w: checksum is %08x, not %08x", errRecord, got, want)
	}
	if b[0] != recordVersion {
		return journal.Record{}, fmt.Errorf("%w: version %d is not known; it was written by a newer program", errRecord, b[0])
	}
	r, err := wire.Parse(b[headBytes:])
	if err != nil {
		return journal.Record{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	r.Seq = seq
	return r, nil
}

// entryID is a number as the id of an entry.
func entryID(seq uint64) string { return "0-" + strconv.FormatUint(seq, 10) }

// decodeEntry reads an entry of the stream.
func decodeEntry(m redis.XMessage) (journal.Record, error) {
	digits, ok := strings.CutPrefix(m.ID, "0-")
	seq, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil {
		return journal.Record{}, fmt.Errorf("%w: an entry has the id %s", errRecord, m.ID)
	}
	body, ok := m.Values["r"].(string)
	if !ok {
		return journal.Record{}, fmt.Errorf("%w: entry %s has no field r", errRecord, m.ID)
	}
	r, err := decode([]byte(body), seq)
	if err != nil {
		return journal.Record{}, fmt.Errorf("entry %s: %w", m.ID, err)
	}
	return r, nil
}
