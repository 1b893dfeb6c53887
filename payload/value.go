package payload

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"fieldcast/track"
)

// Bounds of values that can be. What lies beyond is unknown, or makes the fix
// a [Problem] where a fix needs the value.
const (
	maxLat = 90
	maxLon = 180
	// maxAccuracyM is half the way round the Earth. A circle as large as that
	// says "anywhere"; a larger one says the same, so it is cut down to it.
	maxAccuracyM = 20_037_508
	maxAltitudeM = 100_000 // beyond the atmosphere, and the depth of any sea
	maxSpeedMPS  = 100_000 // faster than anything in orbit
	// endOfTime is the first moment of the year 10000, in microseconds: RFC
	// 3339 cannot write it.
	endOfTimeUS = 253_402_300_800_000_000
	maxTrigger  = 16
)

// number reads a JSON number. A number too large for a float64 is an infinity,
// which every range check refuses.
func number(raw []byte) (v float64, ok bool) {
	if len(raw) == 0 || (raw[0] != '-' && (raw[0] < '0' || raw[0] > '9')) {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(raw), 64)
	if err != nil && !math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

// numberOrText also takes a number that stands in quotes: old iOS apps write
// times so.
func numberOrText(raw []byte) (v float64, ok bool) {
	if content, isText := stringValue(raw); isText {
		raw = bytes.TrimSpace(content)
		if len(raw) == 0 || bytes.IndexFunc(raw, func(r rune) bool { return !strings.ContainsRune("0123456789+-.eE", r) }) >= 0 {
			return 0, false
		}
	}
	return number(raw)
}

// coordinate reads a latitude or longitude, which a fix needs.
func coordinate(name string, raw []byte, limit float64) (float64, *Problem) {
	if absent(raw) {
		return 0, missing(name)
	}
	v, ok := number(raw)
	if !ok {
		return 0, &Problem{Reason: track.ReasonBadField, Detail: fmt.Sprintf("%s %s is not a number", name, show(raw))}
	}
	if !inRange(v, -limit, limit) {
		return 0, outside(name, show(raw), limit)
	}
	return v, nil
}

func outside(name, shown string, limit float64) *Problem {
	return &Problem{
		Reason: track.ReasonOutOfRange,
		Detail: fmt.Sprintf("%s %s is not between %g and %g", name, shown, -limit, limit),
	}
}

// moment reads the time of a fix: Unix seconds, perhaps with a fraction,
// perhaps as text.
func moment(raw []byte) (time.Time, *Problem) {
	if absent(raw) {
		return time.Time{}, missing("time")
	}
	seconds, ok := numberOrText(raw)
	if !ok {
		return time.Time{}, &Problem{
			Reason: track.ReasonBadField,
			Detail: fmt.Sprintf("time %s is not a number of seconds since 1970", show(raw)),
		}
	}
	us := math.Round(seconds * 1e6)
	if !(us >= 0 && us < endOfTimeUS) {
		return time.Time{}, &Problem{
			Reason: track.ReasonOutOfRange,
			Detail: fmt.Sprintf("time %s, in seconds since 1970, is not between the years 1970 and 9999", show(raw)),
		}
	}
	return time.UnixMicro(int64(us)).UTC(), nil
}

func missing(name string) *Problem {
	return &Problem{Reason: track.ReasonMissing, Detail: name + " is missing"}
}

func absent(raw []byte) bool { return len(raw) == 0 || raw[0] == 'n' }

// inRange is false for NaN.
func inRange(v, low, high float64) bool { return v >= low && v <= high }

// known returns v if it lies in the range, else unknown.
func known(v, low, high float64) track.Optional[float64] {
	if !inRange(v, low, high) {
		return track.Optional[float64]{}
	}
	return track.Some(v)
}

// The rules for optional measurements; both formats use them.

func accuracy(v float64) track.Optional[float64] {
	if !(v > 0) { // 0 is how phones say that they do not know
		return track.Optional[float64]{}
	}
	return track.Some(min(v, maxAccuracyM))
}

func altitude(v float64) track.Optional[float64] { return known(v, -maxAltitudeM, maxAltitudeM) }

func verticalAccuracy(v float64) track.Optional[float64] { return known(v, 0, maxAltitudeM) }

func speed(v float64) track.Optional[float64] { return known(v, 0, maxSpeedMPS) }

func course(v float64) track.Optional[float64] { return known(v, 0, 360) }

func battery(v float64) track.Optional[int] {
	if !inRange(v, 0, 100) {
		return track.Optional[int]{}
	}
	return track.Some(int(math.Round(v)))
}

// trigger keeps what is printable ASCII, at most maxTrigger bytes.
func trigger(b []byte) string {
	if len(b) == 1 && printable(b[0]) {
		return string(b) // a single byte costs no allocation
	}
	kept := make([]byte, 0, maxTrigger)
	for _, c := range b {
		if printable(c) && len(kept) < maxTrigger {
			kept = append(kept, c)
		}
	}
	return string(kept)
}

func printable(c byte) bool { return c >= ' ' && c <= '~' }

// show prepares what a stranger sent for a sentence: short, valid UTF-8, and
// nothing in it that breaks a line or turns the direction of writing.
func show(raw []byte) string {
	const most = 40
	s := string(raw[:min(len(raw), 4*most)])
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return '?'
	}, s)
	runes := 0
	for i := range s {
		if runes++; runes > most {
			return s[:i] + "…"
		}
	}
	if len(raw) > 4*most {
		return s + "…"
	}
	return s
}
