package dashboard

import (
	"math"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/simplify"

	"fieldcast/track"
)

// simplified leaves out fixes that are within so many metres of the line of the
// others (Douglas and Peucker). The first and the last stay. It returns the
// slice itself when metres is 0.
func simplified(fixes []track.Fix, metres float64) []track.Fix {
	if metres <= 0 || len(fixes) < 3 {
		return fixes
	}
	line := make(orb.LineString, len(fixes))
	index := make(map[orb.Point]int, len(fixes))
	for i, f := range fixes {
		line[i] = flat(f, fixes[0], i)
		index[line[i]] = i
	}
	kept := []track.Fix{}
	for _, p := range simplify.DouglasPeucker(metres).LineString(line) {
		kept = append(kept, fixes[index[p]])
	}
	return kept
}

// flat is where a fix is, in metres from another, on a plane: good to a
// thousandth within a day's reach. Each gets a ten-millionth of a metre of its
// own, because the library gives back points, and a fix must be found by its
// point even where somebody has been twice.
func flat(f, origin track.Fix, i int) orb.Point {
	const metresPerDegree = math.Pi / 180 * 6371008.8
	return orb.Point{
		math.Remainder(f.Lon-origin.Lon, 360)*metresPerDegree*math.Cos(origin.Lat*math.Pi/180) + float64(i)*1e-7,
		(f.Lat - origin.Lat) * metresPerDegree,
	}
}

// boundedPaths simplifies several paths, by more metres than asked for if they
// would have more than most fixes together, and returns by how many it did.
func boundedPaths(paths [][]track.Fix, metres float64, most int) (out [][]track.Fix, by float64) {
	for by = metres; ; by = max(1, by*2) {
		out = make([][]track.Fix, len(paths))
		n := 0
		for i, p := range paths {
			out[i] = simplified(p, by)
			n += len(out[i])
		}
		if n <= most || n <= 2*len(paths) { // nothing is left to leave out
			return out, by
		}
	}
}
