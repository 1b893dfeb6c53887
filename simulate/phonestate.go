package simulate

import (
	"math"
	"math/rand/v2"
	"time"
)

// phoneState is what happens to a phone while its owner moves.
type phoneState struct {
	battery  float64 // percent
	charging bool
	plugAt   float64 // level at which the owner looks for power
	fullAt   float64 // level at which the owner unplugs
	drain    float64 // percent an hour

	base           float64 // usual accuracy of this phone, metres
	errorX, errorY float64 // of the place, in units of the accuracy, -1 to 1
	bad            float64 // seconds that the accuracy stays bad
	badM           float64 // how bad

	online       bool
	offlineEvery float64 // seconds; negative: never
	offline      float64 // seconds until there is coverage again
	wifi         bool    // known at the customers'
}

// errorMemory is for how many seconds the error of a place stays alike.
const errorMemory = 45

func newPhoneState(random *rand.Rand, offlineEvery time.Duration) phoneState {
	return phoneState{
		battery: 35 + 65*random.Float64(), plugAt: 12 + 15*random.Float64(), fullAt: 80 + 20*random.Float64(),
		drain: 4 + 6*random.Float64(), base: 4 + 6*random.Float64(), online: true,
		offlineEvery: offlineEvery.Seconds(), wifi: random.IntN(3) == 0,
	}
}

// pass lets dt seconds pass. Resting phones use less power.
func (p *phoneState) pass(random *rand.Rand, dt float64, resting bool) {
	p.power(dt, resting)
	p.wander(random, dt)
	p.coverage(random, dt)
}

func (p *phoneState) power(dt float64, resting bool) {
	const chargeRate = 45 // percent an hour
	switch {
	case p.charging:
		p.battery = min(100, p.battery+chargeRate*dt/3600)
		p.charging = p.battery < p.fullAt
	case resting:
		p.battery -= p.drain / 2 * dt / 3600
	default:
		p.battery -= p.drain * dt / 3600
	}
	if p.battery < p.plugAt {
		p.charging = true
	}
}

// wander moves the error of the place: it is alike from second to second, as
// reflections from houses are, and stays within the accuracy.
func (p *phoneState) wander(random *rand.Rand, dt float64) {
	keep := math.Exp(-dt / errorMemory)
	fresh := 0.4 * math.Sqrt(1-keep*keep)
	p.errorX = clamp(p.errorX*keep + fresh*random.NormFloat64())
	p.errorY = clamp(p.errorY*keep + fresh*random.NormFloat64())
	if p.bad > 0 {
		p.bad -= dt
	} else if random.Float64() < dt/1200 { // every 20 minutes
		p.bad, p.badM = 5+40*random.Float64(), 60+240*random.Float64()
	}
}

func clamp(v float64) float64 { return max(-1, min(1, v)) }

func (p *phoneState) accuracyM() float64 {
	if p.bad > 0 {
		return p.badM
	}
	return p.base * (1 + (math.Abs(p.errorX)+math.Abs(p.errorY))/2)
}

func (p *phoneState) coverage(random *rand.Rand, dt float64) {
	switch {
	case p.offlineEvery < 0:
		return
	case p.offline > 0:
		p.offline -= dt
	case random.Float64()*p.offlineEvery < dt:
		p.offline = 60 + 240*random.Float64()
	}
	p.online = p.offline <= 0
}
