package track

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"time"
)

// Unknown is the whole number that stands for an unknown measurement in
// [Scaled].
const Unknown = math.MinInt32

// Scaled holds the measurements of a fix as whole numbers, in the precision
// that is kept: 1e-7 degree is 1.1 cm at the equator, finer than any phone
// measures. Stores write these numbers; an [Unknown] is written as NULL.
type Scaled struct {
	RecordedUS         int64 // microseconds since 1970, UTC
	LatE7, LonE7       int32 // 1e-7 degree
	AccuracyDM         int32 // decimetres
	AltitudeDM         int32
	VerticalAccuracyDM int32
	SpeedCMS           int32 // centimetres a second
	CourseDD           int32 // tenths of a degree
}

// Scale returns the measurements of f as whole numbers.
func (f Fix) Scale() Scaled {
	return Scaled{
		RecordedUS:         f.RecordedAt.UnixMicro(),
		LatE7:              scale(Some(f.Lat), 1e7),
		LonE7:              scale(Some(f.Lon), 1e7),
		AccuracyDM:         scale(f.AccuracyM, 10),
		AltitudeDM:         scale(f.AltitudeM, 10),
		VerticalAccuracyDM: scale(f.VerticalAccuracyM, 10),
		SpeedCMS:           scale(f.SpeedMPS, 100),
		CourseDD:           scale(f.CourseDeg, 10),
	}
}

// Unscale sets the measurements of f to those of s.
func (s Scaled) Unscale(f *Fix) {
	f.RecordedAt = time.UnixMicro(s.RecordedUS).UTC()
	f.Lat = float64(s.LatE7) / 1e7
	f.Lon = float64(s.LonE7) / 1e7
	f.AccuracyM = unscale(s.AccuracyDM, 10)
	f.AltitudeM = unscale(s.AltitudeDM, 10)
	f.VerticalAccuracyM = unscale(s.VerticalAccuracyDM, 10)
	f.SpeedMPS = unscale(s.SpeedCMS, 100)
	f.CourseDeg = unscale(s.CourseDD, 10)
}

// Round returns f in the precision that is kept, so that the live map and the
// store show the same numbers.
func (f Fix) Round() Fix {
	f.Scale().Unscale(&f)
	f.ReceivedAt = time.UnixMicro(f.ReceivedAt.UnixMicro()).UTC()
	return f
}

// Digest identifies what was measured, whoever sent it and however often.
// Together with the person it is the key of a stored fix: the same fix
// delivered again has the same digest, and two different fixes of one second
// have two. Battery, trigger and network are not part of it: a phone that
// sends an old fix again as a sign of life has measured nothing new.
func (s Scaled) Digest() int64 {
	var b [36]byte
	binary.LittleEndian.PutUint64(b[0:], uint64(s.RecordedUS))
	for i, v := range [...]int32{s.LatE7, s.LonE7, s.AccuracyDM, s.AltitudeDM, s.VerticalAccuracyDM, s.SpeedCMS, s.CourseDD} {
		binary.LittleEndian.PutUint32(b[8+4*i:], uint32(v))
	}
	h := fnv.New64a()
	h.Write(b[:]) // never fails
	return int64(h.Sum64())
}

func scale(v Optional[float64], factor float64) int32 {
	if !v.Known || math.IsNaN(v.Value) {
		return Unknown
	}
	scaled := math.Round(v.Value * factor)
	// A measurement out of range is kept as the largest that fits.
	return int32(min(max(scaled, math.MinInt32+1), math.MaxInt32))
}

func unscale(v int32, factor float64) Optional[float64] {
	if v == Unknown {
		return Optional[float64]{}
	}
	return Some(float64(v) / factor)
}
