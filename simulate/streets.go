package simulate

import (
	"math"
	"math/rand/v2"
)

// point is a place in metres, east and north of the town's middle.
type point struct{ x, y float64 }

// streets is a town: two families of parallel streets, turned by an angle.
type streets struct {
	center       Place
	sin, cos     float64
	blockX       float64 // metres between two streets of a family
	blockY       float64
	metresPerLon float64 // of a degree of longitude at the center
}

// metresPerLat is the length of a degree of latitude.
const metresPerLat = 111_195

// newStreets lays out the town of a seed; everyone of a run walks in it.
func newStreets(center Place, seed int64) streets {
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	angle := (random.Float64() - 0.5) * math.Pi / 3
	return streets{
		center: center, sin: math.Sin(angle), cos: math.Cos(angle),
		blockX: 90 + 60*random.Float64(), blockY: 70 + 50*random.Float64(),
		metresPerLon: metresPerLat * math.Cos(center.Lat*math.Pi/180),
	}
}

// crossing returns the place where two streets meet.
func (s streets) crossing(column, row int) point {
	u, v := float64(column)*s.blockX, float64(row)*s.blockY
	return point{u*s.cos - v*s.sin, u*s.sin + v*s.cos}
}

// degrees returns the place of a point. Towns on the date line go on beyond it.
func (s streets) degrees(p point) Place {
	lon := s.center.Lon + p.x/s.metresPerLon
	return Place{Lat: s.center.Lat + p.y/metresPerLat, Lon: math.Remainder(lon, 360)}
}

// leg is a straight piece of a way. At its end the way turns.
type leg struct {
	to   point
	wait float64 // seconds that one stands at its end, e.g. at a light
}

// way returns the legs from one crossing to another: along streets, turning
// after a few blocks, now and then with a red light.
func (s streets) way(random *rand.Rand, column, row, toColumn, toRow int) []leg {
	var legs []leg
	alongX := random.IntN(2) == 0
	for column != toColumn || row != toRow {
		if column == toColumn {
			alongX = false
		} else if row == toRow {
			alongX = true
		}
		blocks := 2 + random.IntN(7)
		if alongX {
			column += toward(toColumn-column, blocks)
		} else {
			row += toward(toRow-row, blocks)
		}
		l := leg{to: s.crossing(column, row)}
		if random.Float64() < 0.2 {
			l.wait = 5 + 30*random.Float64()
		}
		legs = append(legs, l)
		alongX = !alongX
	}
	return legs
}

// toward returns what is left of a distance, at most a number of blocks.
func toward(distance, most int) int { return max(-most, min(most, distance)) }

func distance(a, b point) float64 { return math.Hypot(b.x-a.x, b.y-a.y) }

// heading returns the direction from a to b in degrees clockwise from north.
func heading(a, b point) float64 {
	return math.Mod(math.Atan2(b.x-a.x, b.y-a.y)*180/math.Pi+360, 360)
}
