package crowd

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// Where the crowd walks, and the size of the town.
const (
	townLat, townLon = 12.97, 77.59
	townDegrees      = 0.1
	metersPerDegree  = 111_320.0
	fastest          = 15.0 // m/s
)

// walker moves along, never faster than a car in town.
type walker struct {
	rand     *rand.Rand
	lat, lon float64
	course   float64 // degrees
	speed    float64 // m/s
	at       int64   // microseconds since 1970
}

// newWalker begins at a place of its own, the same in every run.
func newWalker(p *Phone) walker {
	h := fnv.New64a()
	h.Write([]byte(p.ClientID)) // never fails
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	return walker{
		rand: r, course: r.Float64() * 360, speed: 1 + r.Float64()*(fastest-1),
		lat: townLat + (r.Float64()-0.5)*townDegrees,
		lon: townLon + (r.Float64()-0.5)*townDegrees,
	}
}

// step returns the fix for a time, in whole milliseconds and later than all
// before it.
func (w *walker) step(at time.Time) sentFix {
	const millisecond = 1000
	us := at.UnixMicro() / millisecond * millisecond
	if us <= w.at {
		us = w.at + millisecond
	}
	if w.at != 0 {
		w.move(float64(us-w.at) / 1e6)
	}
	w.at = us
	return sentFix{
		at: us, lat: int32(math.Round(w.lat * 1e7)), lon: int32(math.Round(w.lon * 1e7)),
		vel: uint16(w.speed * 3.6), cog: uint16(w.course),
	}
}

func (w *walker) move(seconds float64) {
	w.course = math.Mod(w.course+360+(w.rand.Float64()-0.5)*40, 360)
	if math.Abs(w.lat-townLat) > townDegrees || math.Abs(w.lon-townLon) > townDegrees {
		w.course = math.Mod(360+math.Atan2(townLon-w.lon, townLat-w.lat)*180/math.Pi, 360) // back to town
	}
	rad := w.course * math.Pi / 180
	d := w.speed * min(seconds, 60) / metersPerDegree
	w.lat += d * math.Cos(rad)
	w.lon += d * math.Sin(rad) / math.Cos(w.lat*math.Pi/180)
}

// appendLocation writes a fix as OwnTracks does, with padding in a key of ours.
func appendLocation(b []byte, f sentFix, padding string) []byte {
	b = append(b, `{"_type":"location","lat":`...)
	b = appendDecimal(b, int64(f.lat), 7)
	b = append(b, `,"lon":`...)
	b = appendDecimal(b, int64(f.lon), 7)
	b = append(b, `,"tst":`...)
	b = appendDecimal(b, f.at/1000, 3)
	b = append(b, `,"acc":8,"alt":920,"batt":81,"bs":1,"conn":"m","m":2,"t":"t","tid":"fc","vel":`...)
	b = strconv.AppendUint(b, uint64(f.vel), 10)
	b = append(b, `,"cog":`...)
	b = strconv.AppendUint(b, uint64(f.cog), 10)
	if padding != "" {
		b = append(b, `,"padding":"`...)
		b = append(b, padding...)
		b = append(b, '"')
	}
	return append(b, '}')
}

// appendDecimal writes v / 10^digits exactly, without zeros at the end.
func appendDecimal(b []byte, v int64, digits int) []byte {
	if v < 0 {
		b, v = append(b, '-'), -v
	}
	unit := int64(math.Pow10(digits))
	b = strconv.AppendInt(b, v/unit, 10)
	if v%unit == 0 {
		return b
	}
	point := len(b)
	b = strconv.AppendInt(b, v%unit+unit, 10) // a digit too many in front keeps the zeros
	b[point] = '.'
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}
