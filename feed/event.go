package feed

import (
	"time"

	"fieldcast/track"
)

// Event is one change of a company. Exactly one of Position, Presence,
// Rejection and Frame is set. What the pointers point to is shared by all
// subscribers and must not be changed.
type Event struct {
	Company  string
	Employee string // empty for a Frame
	Seq      uint64 // the change's place in the journal
	At       time.Time

	Position  *track.Position  // a person's last-known position is new
	Presence  *track.Presence  // a phone has come or gone
	Rejection *track.Rejection // something could not be read
	Frame     *Frame           // the changes of the last moment, coalesced

	// Person goes with Presence: all that is known of the person after the
	// change, for the row of the next Frame. A person without a fix has a zero
	// RecordedAt. Without Person, a change of presence is in no frame.
	Person *track.Position
	// Quiet keeps the change out of the stream: it is in the next Frame only.
	Quiet bool
}

// person returns the values for a frame's row, or nil if there are none.
func (e *Event) person() *track.Position {
	if e.Position != nil {
		return e.Position
	}
	return e.Person
}

// Frame holds what changed in a company since the frame before: for each
// person the newest values, one row each. Its JSON is public (topic _live).
// Prev is the Seq of the frame before; who has seen something else than Prev
// has missed a frame and asks for the changes after what he has.
type Frame struct {
	V       int       `json:"v"` // version of the format: 1
	Company string    `json:"company"`
	Prev    uint64    `json:"prev"`
	Seq     uint64    `json:"seq"`
	At      time.Time `json:"at"`
	Cols    []string  `json:"cols"`
	Rows    [][]any   `json:"rows"`
}

// Cols are the columns of a [Frame], by the names that [track.Position] has in
// JSON. Unknown values are null; a person without a fix has null lat and lon.
var Cols = []string{
	"employee", "name", "lat", "lon", "accuracy_m", "altitude_m", "speed_mps", "course_deg",
	"battery_pct", "charging", "trigger", "network", "recorded_at", "received_at", "seq",
	"state", "interval_s", "quality", "presence", "presence_since",
}

// NewFrame returns a frame of the people of a company with their states at now,
// for a reader who stands at prev and stands at seq after taking it in. Prev 0
// and everybody is where a reader begins.
func NewFrame(company string, prev, seq uint64, people []track.Position, now time.Time) *Frame {
	f := &Frame{V: 1, Company: company, Prev: prev, Seq: seq, At: now.UTC(), Cols: Cols, Rows: make([][]any, len(people))}
	for i := range people {
		f.Rows[i] = row(&people[i], now)
	}
	return f
}

// Only returns the frame with the rows of those people whom keep names, or the
// frame itself if these are all. Nothing of f is changed.
func (f *Frame) Only(keep func(employee string) bool) *Frame {
	some := *f
	some.Rows = make([][]any, 0, len(f.Rows))
	for _, r := range f.Rows {
		if employee, ok := r[0].(string); ok && keep(employee) {
			some.Rows = append(some.Rows, r)
		}
	}
	if len(some.Rows) == len(f.Rows) {
		return f
	}
	return &some
}

// row returns the values of p in the order of [Cols], with the state at now.
func row(p *track.Position, now time.Time) []any {
	r := make([]any, 0, len(Cols))
	r = append(r, p.Employee, text(p.Name))
	if p.RecordedAt.IsZero() {
		r = append(r, nil, nil)
	} else {
		r = append(r, p.Lat, p.Lon)
	}
	r = append(r, value(p.AccuracyM), value(p.AltitudeM), value(p.SpeedMPS), value(p.CourseDeg),
		value(p.BatteryPct), value(p.Charging), text(p.Trigger), text(string(p.Network)))
	if p.RecordedAt.IsZero() {
		r = append(r, nil, nil, nil)
	} else {
		r = append(r, p.RecordedAt, p.ReceivedAt, p.Seq)
	}
	r = append(r, p.StateAt(now), value(p.IntervalS))
	if p.RecordedAt.IsZero() {
		r = append(r, nil)
	} else {
		r = append(r, p.Quality)
	}
	return append(r, text(string(p.Presence)), value(p.PresenceSince))
}

func value[T any](o track.Optional[T]) any {
	if !o.Known {
		return nil
	}
	return o.Value
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}
