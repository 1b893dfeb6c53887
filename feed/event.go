package feed

import (
	"time"

	"fieldcast/track"
)

// Event is one change of a company. Exactly one of the pointers is set.
type Event struct {
	Company  string
	Employee string // empty for a Frame
	Seq      uint64 // the change's place in the journal
	At       time.Time

	Position  *track.Position  // a person's last-known position is new
	Presence  *track.Presence  // a phone has come or gone
	Rejection *track.Rejection // something could not be read
	Frame     *Frame           // the changes of the last moment, coalesced
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
