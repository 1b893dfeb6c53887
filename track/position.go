package track

import "time"

// Position is the last-known position of a person: the newest plausible fix
// (see [Limits.Newer]) with the name, team and state that a map shows. Its JSON is
// public.
type Position struct {
	Fix
	Name  string `json:"name,omitempty"`
	Team  string `json:"team,omitempty"`
	State State  `json:"state,omitempty"`
	// IntervalS is the time in seconds that usually passes between this
	// phone's fixes; a person is late when it has passed more than twice.
	IntervalS     Optional[float64]   `json:"interval_s,omitzero"`
	Presence      PresenceState       `json:"presence,omitempty"`
	PresenceSince Optional[time.Time] `json:"presence_since,omitzero"`
	// Changed is the sequence number of the latest change of this value, by a
	// fix or by presence: never less than Seq.
	Changed uint64 `json:"changed"`
}

// State says how far a position can be trusted to be where the person is now.
type State string

// The states of a person.
const (
	StateLive     State = "live"      // reports as often as this phone usually does
	StateLate     State = "late"      // a report is overdue
	StateOffline  State = "offline"   // long overdue and not connected
	StateOffShift State = "off_shift" // outside working hours
	StateNever    State = "never"     // no fix has ever arrived
)

// Bounds of the interval that a phone is judged by, and what is assumed until
// it has shown its own. OwnTracks in significant mode may be silent for a
// while when nobody moves, so the assumption is generous.
const (
	minInterval     = 15 * time.Second
	maxInterval     = 30 * time.Minute
	defaultInterval = 5 * time.Minute
)

// StateAt returns the state at a moment: live up to twice the phone's own
// interval (plus 15 s of transport) after the newest sign of it, late until
// six times, then offline, unless it is connected still.
func (p Position) StateAt(now time.Time) State {
	if p.RecordedAt.IsZero() {
		return StateNever
	}
	newest := p.RecordedAt
	if newest.After(p.ReceivedAt) { // a clock that is ahead cannot keep a person live
		newest = p.ReceivedAt
	}
	age := now.Sub(newest)
	interval := p.Interval()
	switch {
	case age <= 2*interval+15*time.Second:
		return StateLive
	case age <= 6*interval || p.Presence == Online:
		return StateLate
	default:
		return StateOffline
	}
}

// Interval returns the time that is expected between two fixes of this phone.
func (p Position) Interval() time.Duration {
	if !p.IntervalS.Known {
		return defaultInterval
	}
	d := time.Duration(p.IntervalS.Value * float64(time.Second))
	return min(max(d, minInterval), maxInterval)
}

// PresenceState tells whether a phone has a session.
type PresenceState string

// The two presence states.
const (
	Online  PresenceState = "online"
	Offline PresenceState = "offline"
)

// Presence is the JSON of the presence topic. It follows the phone's session,
// never its will.
type Presence struct {
	State PresenceState `json:"state"`
	Since time.Time     `json:"since"`
}
