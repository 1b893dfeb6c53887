package payload

import (
	"errors"
	"math"
	"math/bits"

	"fieldcast/payload/internal/wire"
	"fieldcast/track"
)

// What can be wrong with a column. The texts end the sentence "the column
// speed …".
var (
	errColumnKnown    = errors.New("marks other rows as known than the batch has")
	errColumnLength   = errors.New("has not one value for each known row")
	errColumnOverflow = errors.New("has a value that is too large")
)

// column is a decoded column of any number of rows.
type column struct {
	values []int64 // one for each row, 0 where unknown
	known  []byte  // bitmap; nil: all rows are known, unless values is nil too
}

// at returns the value of a row, in units of 1/scale.
func (c column) at(row int, scale float64) (v float64, ok bool) {
	n, ok := c.integer(row)
	return float64(n) / scale, ok
}

func (c column) integer(row int) (v int64, ok bool) {
	if c.values == nil || (c.known != nil && c.known[row/8]>>(row%8)&1 == 0) {
		return 0, false
	}
	return c.values[row], true
}

// unpack decodes a column of a batch of count rows, count ≤ MaxFixes. What it
// allocates is bounded by count.
func unpack(w *wire.Column, count int) (column, error) {
	if w == nil {
		return column{}, nil
	}
	c := column{values: make([]int64, count)}
	rows := count
	if len(w.Known) > 0 {
		c.known, rows = w.Known, 0
		for _, b := range w.Known {
			rows += bits.OnesCount8(b)
		}
		spare := len(w.Known)*8 - count
		if spare < 0 || spare > 7 || w.Known[len(w.Known)-1]>>(8-spare) != 0 {
			return column{}, errColumnKnown
		}
	}
	known, err := sums(w, rows)
	if err != nil {
		return column{}, err
	}
	if c.known == nil {
		c.values = known
		return c, nil
	}
	for row := range c.values {
		if _, ok := c.integer(row); ok {
			c.values[row], known = known[0], known[1:]
		}
	}
	return c, nil
}

// sums returns the values of the known rows, by the shape of the column.
func sums(w *wire.Column, rows int) ([]int64, error) {
	if rows == 0 && len(w.Delta)+len(w.Run) == 0 {
		return nil, nil
	}
	values := make([]int64, 0, rows)
	step := max(w.Step, 1)
	var steps int64 // from the first value
	next := func(i int) (int64, error) {
		if i > 0 {
			sum := steps + w.Delta[i-1]
			if (sum > steps) != (w.Delta[i-1] > 0) {
				return 0, errColumnOverflow
			}
			steps = sum
		}
		return walk(w.First, step, steps)
	}
	runs := w.Run
	switch {
	case len(runs) > 0 && len(w.Delta) == len(runs)-1:
	case len(runs) > 0:
		return nil, errColumnLength
	case len(w.Delta) == 0 && rows > 0:
		runs = []uint32{uint32(rows)}
	case len(w.Delta) != rows-1:
		return nil, errColumnLength
	}
	for i := 0; i <= len(w.Delta); i++ {
		v, err := next(i)
		if err != nil {
			return nil, err
		}
		length := 1
		if runs != nil {
			length = int(runs[i])
		}
		if length < 1 || length > rows-len(values) {
			return nil, errColumnLength
		}
		for range length {
			values = append(values, v)
		}
	}
	if len(values) != rows {
		return nil, errColumnLength
	}
	return values, nil
}

// walk returns first + step × steps, or errColumnOverflow.
func walk(first int64, step uint64, steps int64) (int64, error) {
	high, low := bits.Mul64(step, magnitude(steps))
	if high != 0 || low > math.MaxInt64 {
		return 0, errColumnOverflow
	}
	way := int64(low)
	if steps < 0 {
		way = -way
	}
	sum := first + way
	if (sum > first) != (way > 0) {
		return 0, errColumnOverflow
	}
	return sum, nil
}

// magnitude is the absolute value, right for math.MinInt64 too.
func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// pack writes a column, as small as it gets: nil if no row is known.
func pack(values []track.Optional[int64]) *wire.Column {
	known := make([]int64, 0, len(values))
	bitmap := make([]byte, (len(values)+7)/8)
	for row, v := range values {
		if v.Known {
			known = append(known, v.Value)
			bitmap[row/8] |= 1 << (row % 8)
		}
	}
	if len(known) == 0 {
		return nil
	}
	w := &wire.Column{First: known[0]}
	if len(known) < len(values) {
		w.Known = bitmap
	}
	var step uint64
	for i := range known[1:] {
		step = gcd(step, magnitude(known[i+1]-known[i]))
	}
	if step == 0 { // constant
		return w
	}
	if step > 1 {
		w.Step = step
	}
	w.Delta = make([]int64, len(known)-1)
	for i := range w.Delta {
		w.Delta[i] = (known[i+1] - known[i]) / int64(step)
	}
	shorten(w)
	return w
}

// shorten turns a plain column into a run-length coded one if that is smaller.
func shorten(w *wire.Column) {
	plain := 0
	runs := []uint32{1}
	var deltas []int64
	for _, d := range w.Delta {
		plain += varintSize(zigzag(d))
		if d == 0 {
			runs[len(runs)-1]++
			continue
		}
		deltas = append(deltas, d)
		runs = append(runs, 1)
	}
	coded := 0
	for i, run := range runs {
		coded += varintSize(uint64(run))
		if i > 0 {
			coded += varintSize(zigzag(deltas[i-1]))
		}
	}
	if coded < plain {
		w.Delta, w.Run = deltas, runs
	}
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) }

func varintSize(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }
