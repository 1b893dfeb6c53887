package simulate

import (
	"math"
	"math/rand/v2"
	"time"

	"fieldcast/track"
)

// profile is how a kind of person moves.
type profile struct {
	name           string
	limit          float64 // metres a second that are never passed
	cruise         float64 // usual share of the limit
	acceleration   float64 // metres a second, squared
	corner         float64 // speed in a turn
	reach          float64 // how far, in metres, the errands are from the base
	stayMin, stays float64 // length of a stay: at least, and mean of what comes on top, seconds
}

// The kinds of people of a field team.
var profiles = [...]profile{
	{"walker", 1.9, 0.75, 0.7, 0.9, 900, 40, 200},
	{"courier", 12.5, 0.8, 1.6, 4, 3500, 60, 150},
	{"technician", 16.7, 0.8, 1.8, 5, 5000, 400, 1500},
	{"driver", 13.9, 0.85, 1.4, 4, 4500, 90, 300},
}

// WalkOptions say who walks where.
type WalkOptions struct {
	Center       Place         // middle of the town
	Seed         int64         // the town, and everything that happens
	Number       int           // which person
	OfflineEvery time.Duration // mean time between spells without coverage; negative: never
}

// Walk is a person with a phone: errands along the streets of a made-up town,
// stops, traffic lights, and what the phone makes of them. It is a pure
// function of its options and of how far it was advanced. Not safe for
// concurrent use; make one with [NewWalk].
type Walk struct {
	profile
	streets streets
	random  *rand.Rand
	home    [2]int // crossing that the errands start from
	at      [2]int // crossing where the present way ends
	pos     point
	course  float64
	speed   float64
	usual   float64 // speed that this person likes
	haste   float64 // -1 to 1: how far the present speed is from the usual one
	way     []leg   // what is left of the present way
	stay    float64 // seconds until the way goes on
	errand  bool    // the stay is at a customer, not at a light
	phone   phoneState
}

// NewWalk returns a person somewhere in the middle of the day.
func NewWalk(o WalkOptions) *Walk {
	random := rand.New(rand.NewPCG(uint64(o.Seed), uint64(o.Number)+1))
	w := &Walk{
		profile: profiles[random.IntN(len(profiles))],
		streets: newStreets(o.Center, o.Seed),
		random:  random,
	}
	w.usual = w.limit * w.cruise * (0.85 + 0.15*random.Float64())
	w.home = [2]int{random.IntN(25) - 12, random.IntN(31) - 15}
	w.at = w.home
	w.pos = w.streets.crossing(w.at[0], w.at[1])
	w.phone = newPhoneState(random, o.OfflineEvery)
	w.Advance(time.Duration(random.IntN(1800)) * time.Second)
	w.phone.online, w.phone.offline = true, 0 // whoever is played begins with a network
	return w
}

// LimitMPS returns the speed that the person never passes, in metres a second.
func (w *Walk) LimitMPS() float64 { return w.limit }

// Kind returns what the person does: "walker", "courier", "technician" or
// "driver".
func (w *Walk) Kind() string { return w.name }

// Standing reports whether the person does not move.
func (w *Walk) Standing() bool { return w.speed == 0 }

// Online reports whether the phone has coverage.
func (w *Walk) Online() bool { return w.phone.online }

// Advance lets time pass.
func (w *Walk) Advance(d time.Duration) {
	for left := d.Seconds(); left > 1e-9; {
		dt := min(left, 1)
		left -= dt
		w.move(dt)
		w.phone.pass(w.random, dt, w.Standing() && w.errand)
	}
}

// move passes at most a second.
func (w *Walk) move(dt float64) {
	if w.stay > 0 {
		w.stay -= dt
		w.speed = 0
		return
	}
	if len(w.way) == 0 {
		w.setOut()
	}
	w.haste = clamp(w.haste*(1-0.03*dt) + 0.12*dt*w.random.NormFloat64())
	w.steer(dt)
	for left := w.speed * dt; left > 0 && len(w.way) > 0; {
		next := w.way[0]
		d := distance(w.pos, next.to)
		w.course = headingOr(w.course, w.pos, next.to)
		if left < d && (d-left > arrived || w.way[0].passes(w.way)) {
			w.pos.x += (next.to.x - w.pos.x) * left / d
			w.pos.y += (next.to.y - w.pos.y) * left / d
			return
		}
		left -= d
		w.pos = next.to
		w.way = w.way[1:]
		if w.halt(next) {
			return
		}
	}
}

// arrived is how close to a stop, in metres, one is there: braking never quite
// ends otherwise.
const arrived = 0.5

// passes reports whether one goes on at the end of the leg.
func (l leg) passes(way []leg) bool { return l.wait == 0 && len(way) > 1 }

// halt ends the movement at the end of a leg, if one stays there.
func (w *Walk) halt(l leg) bool {
	switch {
	case len(w.way) == 0: // there
		w.stay = w.stayMin + w.stays*w.random.ExpFloat64()
		w.errand = true
	case l.wait > 0:
		w.stay = l.wait
		w.errand = false
	default:
		return false
	}
	w.speed = 0
	return true
}

// setOut chooses the next errand.
func (w *Walk) setOut() {
	reachX, reachY := int(w.reach/w.streets.blockX), int(w.reach/w.streets.blockY)
	for {
		to := [2]int{w.home[0] + w.random.IntN(2*reachX+1) - reachX, w.home[1] + w.random.IntN(2*reachY+1) - reachY}
		if to == w.at {
			continue
		}
		w.way = w.streets.way(w.random, w.at[0], w.at[1], to[0], to[1])
		w.at, w.errand = to, false
		return
	}
}

// steer chooses the speed for the next dt seconds: as fast as one likes, but
// such that one can brake before the end of the leg.
func (w *Walk) steer(dt float64) {
	next := w.way[0]
	end := 0.0
	if next.passes(w.way) {
		end = min(w.corner, w.usual)
	}
	d := distance(w.pos, next.to)
	safe := math.Sqrt(end*end + 2*w.acceleration*d)
	// Brake with what is left of the way after this step in mind, but creep
	// on, lest one never arrives.
	safe = max(min(safe, max(end, d/dt)), 0.3)
	want := min(w.usual*(1+0.15*w.haste), w.limit, safe)
	if want > w.speed {
		want = min(want, w.speed+w.acceleration*dt)
	}
	w.speed = want
}

func headingOr(otherwise float64, a, b point) float64 {
	if distance(a, b) < 1e-6 {
		return otherwise
	}
	return heading(a, b)
}

// Fix returns what the phone measures now, dated as it is told.
func (w *Walk) Fix(at time.Time) track.Fix {
	p := &w.phone
	spread := p.accuracyM() * 0.6
	place := w.streets.degrees(point{w.pos.x + p.errorX*spread, w.pos.y + p.errorY*spread})
	f := track.Fix{
		Lat: place.Lat, Lon: place.Lon, RecordedAt: at,
		AccuracyM:  track.Some(p.accuracyM()),
		BatteryPct: track.Some(int(math.Ceil(p.battery))),
		Charging:   track.Some(p.charging),
		Network:    track.NetworkMobile,
		Trigger:    "t",
	}
	switch {
	case !p.online:
		f.Network = track.NetworkOffline
	case w.Standing() && w.errand && p.wifi:
		f.Network = track.NetworkWiFi
	}
	if w.Standing() {
		f.Trigger = "p"
	}
	if p.bad > 0 { // by cell towers: nothing but a place
		return f
	}
	f.SpeedMPS = track.Some(w.speed)
	f.AltitudeM = track.Some(math.Round(40 + 15*math.Sin(w.pos.x/900) + 10*math.Cos(w.pos.y/700)))
	f.VerticalAccuracyM = track.Some(math.Round(3 + p.accuracyM()/3))
	if w.speed > 0.5 {
		f.CourseDeg = track.Some(math.Mod(w.course+4*p.errorX+360, 360))
	}
	return f
}
