package payload

import (
	"fmt"

	"fieldcast/track"
)

// MaxFixes is the most messages of an array, or fixes of a batch, that one
// payload may hold. The rest of an array is a [Problem] with
// [track.ReasonTooLarge].
const MaxFixes = 10_000

// The formats, as [Message.Format] names them.
const (
	FormatOwnTracks = "owntracks"
	FormatBatch     = "batch"
)

// Message is what a payload holds. Something is in it always: if there are no
// fixes, reports or problems, Ignored is more than zero.
type Message struct {
	Format   string      // [FormatOwnTracks], [FormatBatch], or empty if it is neither
	Fixes    []track.Fix // in the order of the payload
	Reports  []Report
	Problems []Problem
	Ignored  int // messages that are well formed and of no use to a server: wills, commands
}

// Report is a message that is kept as it came. See [track.Report].
type Report struct {
	Kind string // OwnTracks' _type: transition, status, waypoint, waypoints, steps, beacon, …
	// Body is the JSON as the phone wrote it, less the names of Wi-Fi networks
	// and secrets. It shares memory with the payload unless something was left out.
	Body []byte
}

// Problem is a part of a payload that could not be kept as a fix. See
// [track.Rejection].
type Problem struct {
	Reason track.Reason
	Detail string // a sentence for people; valid UTF-8 without control characters
	// Body is the part as received, sharing memory with the payload; for a row
	// of a batch, JSON that shows its time and place.
	Body []byte
}

// Err returns nil unless nothing of the payload could be read. Then it returns
// a [track.ErrInvalid] that says why; a front door can send it to the phone.
func (m Message) Err() error {
	if len(m.Problems) == 0 || len(m.Fixes)+len(m.Reports)+m.Ignored > 0 {
		return nil
	}
	if more := len(m.Problems) - 1; more > 0 {
		return fmt.Errorf("%w payload: %s (and %d more)", track.ErrInvalid, m.Problems[0].Detail, more)
	}
	return fmt.Errorf("%w payload: %s", track.ErrInvalid, m.Problems[0].Detail)
}

// Decode reads a payload that a phone published. Leaf is the last level of the
// topic, below the phone's base (track.Topic.Leaf); it appears in details only,
// because phones say in the message itself what it is. Decode never panics and
// keeps body's memory in the result.
func Decode(leaf string, body []byte) Message {
	switch {
	case len(body) == 0: // how OwnTracks says that a friend is gone
		return Message{Ignored: 1}
	case body[0] == batchMark:
		return decodeBatch(body)
	}
	return decodeOwnTracks(leaf, body)
}

// Limited returns a [Decode] that keeps the first most fixes of a payload; those
// after them are a [Problem] with [track.ReasonTooLarge]. More than [MaxFixes]
// are never kept.
func Limited(most int) func(leaf string, body []byte) Message {
	return func(leaf string, body []byte) Message {
		m := Decode(leaf, body)
		if len(m.Fixes) > most {
			m.problem(&Problem{
				Reason: track.ReasonTooLarge,
				Detail: fmt.Sprintf("the message holds %d fixes; this server keeps the first %d of one", len(m.Fixes), most),
				Body:   body,
			})
			m.Fixes = m.Fixes[:most]
		}
		return m
	}
}

func (m *Message) problem(p *Problem) {
	m.Problems = append(m.Problems, *p)
}
