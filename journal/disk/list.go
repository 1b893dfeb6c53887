package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
)

// The list of files is bbolt's. Its first two pages hold a meta each, of which
// the newer one counts: bbolt's file format, version 2, in the machine's order
// of bytes.
const (
	listMetas    = 2
	metaBegin    = 16 // behind the page's header
	metaPageSize = metaBegin + 8
	metaPages    = metaBegin + 40 // how many pages are in use
	metaTxID     = metaBegin + 48
	metaChecksum = metaBegin + 56
	metaEnd      = metaChecksum + 8
	metaMagic    = 0xED0CDAED
	smallestPage = 512
	largestPage  = 64 << 10
)

// checkList returns an error if the list of files has lost its end. bbolt maps
// the file into memory, and reading behind its end would end the process.
// Whatever else is wrong with it, bbolt finds by itself.
func checkList(path string) error {
	f, err := os.Open(path) //nolint:gosec // our own file
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a new journal
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var newest, need uint64
	for page := smallestPage; page <= largestPage; page *= 2 {
		for n := range listMetas {
			var b [metaEnd]byte
			if _, err := f.ReadAt(b[:], int64(n*page)); err != nil {
				break // shorter: bbolt says so
			}
			order := binary.NativeEndian
			size, txID := uint64(order.Uint32(b[metaPageSize:])), order.Uint64(b[metaTxID:])
			sum := fnv.New64a()
			sum.Write(b[metaBegin:metaChecksum]) // never fails
			good := order.Uint32(b[metaBegin:]) == metaMagic && size == uint64(page) && sum.Sum64() == order.Uint64(b[metaChecksum:])
			if good && txID >= newest {
				newest, need = txID, order.Uint64(b[metaPages:])*size
			}
		}
	}
	if uint64(info.Size()) < need { //nolint:gosec // not negative
		return fmt.Errorf("%w: %s is %d bytes long, and %d are in use: its end is missing", errRecord, path, info.Size(), need)
	}
	return nil
}
