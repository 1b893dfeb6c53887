package simulate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"fieldcast/track"
)

// ReadTrack reads a recorded track: GPX 1.0 or 1.1, or a JSON list of
// e-mission entries. The fixes are in the order of the file, which is not
// always that of time, and as dirty as they were recorded; times are UTC.
//
// Of GPX, all points of all segments of all tracks are taken, except those
// that carry no time. Of e-mission, all entries background/location; negative
// measurements are unknown, and the battery is that of the latest reading
// before the fix.
//
// ReadTrack returns a [track.ErrInvalid] for anything else, and for a file
// without a single fix.
func ReadTrack(path string) ([]track.Fix, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read from
	fixes, err := readTrack(bufio.NewReaderSize(f, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("read track %s: %w", path, err)
	}
	if len(fixes) == 0 {
		return nil, fmt.Errorf("read track %s: %w", path, track.Invalid("track", "it holds no point that has a time"))
	}
	return fixes, nil
}

// readTrack tells the formats apart by the first character.
func readTrack(r *bufio.Reader) ([]track.Fix, error) {
	for {
		ahead, err := r.Peek(1)
		if errors.Is(err, io.EOF) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		switch ahead[0] {
		case ' ', '\t', '\r', '\n', 0xEF, 0xBB, 0xBF: // white space, byte order mark
			_, _ = r.Discard(1) // never fails: it was there
		case '<':
			return readGPX(r)
		case '[':
			return readEMission(r)
		default:
			return nil, track.Invalid("track", "it is neither GPX nor a JSON list")
		}
	}
}

// checkPlace returns a [track.ErrInvalid] unless the place can be.
func checkPlace(lat, lon float64) error {
	if !(lat >= -90 && lat <= 90) {
		return track.Invalid("latitude", "%v is not between -90 and 90", lat)
	}
	if !(lon >= -180 && lon <= 180) {
		return track.Invalid("longitude", "%v is not between -180 and 180", lon)
	}
	return nil
}

// notNegative returns a measurement, or unknown if it is negative.
func notNegative(v *float64) track.Optional[float64] {
	if v == nil || !(*v >= 0) {
		return track.Optional[float64]{}
	}
	return track.Some(*v)
}
