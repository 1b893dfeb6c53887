package track

import (
	"fmt"
	"strings"
)

// Marks are verdicts on a fix. They stand beside the raw values, change none
// of them, and can be computed again from them. The zero value is "ok".
type Marks uint8

// The verdicts. [Limits.Judge] sets the first five.
const (
	MarkFuture     Marks = 1 << iota // recorded later than it was received
	MarkStale                        // recorded long before it was received, or by a clock that was never set
	MarkInaccurate                   // the accuracy circle is too large to act on
	MarkJump                         // farther from the fix before than anyone travels
	MarkMock                         // the phone says that the location is simulated
	MarkOffShift                     // outside the person's working hours
)

var markNames = [...]string{"future", "stale", "inaccurate", "jump", "mock", "off_shift"}

// Has reports whether all of want are set.
func (m Marks) Has(want Marks) bool { return m&want == want }

// String returns "ok", or the names of the marks joined by commas.
func (m Marks) String() string {
	if m == 0 {
		return "ok"
	}
	var names []string
	for i, name := range markNames {
		if m.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// MarshalText writes m as [Marks.String] does.
func (m Marks) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what [Marks.MarshalText] wrote.
func (m *Marks) UnmarshalText(text []byte) error {
	*m = 0
	if string(text) == "ok" || len(text) == 0 {
		return nil
	}
next:
	for word := range strings.SplitSeq(string(text), ",") {
		for i, name := range markNames {
			if word == name {
				*m |= 1 << i
				continue next
			}
		}
		return fmt.Errorf("unknown quality %q", word)
	}
	return nil
}
