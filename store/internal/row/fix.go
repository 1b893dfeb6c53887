// Package row is what both databases write: the rules of the contract
// [track.Store] that do not depend on the database, so that they cannot differ.
package row

import (
	"errors"
	"fmt"
	"math"
	"time"

	"fieldcast/track"
)

// Fix is a fix in the form of a table row.
type Fix struct {
	track.Scaled
	Digest     int64
	BatteryPct int32 // [track.Unknown] if unknown, as in Scaled
	Charging   int32 // 0 or 1
	Mock       int32 // 0 or 1
	Trigger    string
	Network    string // see network
	Quality    int32
	ReceivedUS int64
	Seq        int64
}

// FromFix returns the row of f, or an error for what no row can hold.
func FromFix(f track.Fix) (Fix, error) {
	seq, err := Seq(f.Seq)
	if err != nil {
		return Fix{}, err
	}
	scaled := f.Scale()
	r := Fix{
		Scaled:     scaled,
		Digest:     scaled.Digest(),
		BatteryPct: track.Unknown,
		Charging:   fromBool(f.Charging),
		Mock:       fromBool(f.Mock),
		Trigger:    Text(f.Trigger),
		Network:    fromNetwork(f.Network),
		Quality:    int32(f.Quality),
		ReceivedUS: f.ReceivedAt.UnixMicro(),
		Seq:        seq,
	}
	if f.BatteryPct.Known {
		if f.BatteryPct.Value < math.MinInt16 || f.BatteryPct.Value > math.MaxInt16 {
			return Fix{}, fmt.Errorf("battery of %d per cent", f.BatteryPct.Value)
		}
		r.BatteryPct = int32(f.BatteryPct.Value)
	}
	return r, nil
}

// ErrDamaged says that a row does not hold what was written into it.
var ErrDamaged = errors.New("the database is damaged: restore a backup")

// ToFix sets everything of f but the person. It returns [ErrDamaged] if what
// was measured is not what the row's digest was made of: neither SQLite nor the
// disk below notices when a bit in a value has changed.
func (r Fix) ToFix(f *track.Fix) error {
	if r.Scaled.Digest() != r.Digest {
		return fmt.Errorf("the fix of %v with seq %d is not what was stored: %w", Time(r.RecordedUS), r.Seq, ErrDamaged)
	}
	r.Unscale(f)
	f.BatteryPct = track.Optional[int]{}
	if r.BatteryPct != track.Unknown {
		f.BatteryPct = track.Some(int(r.BatteryPct))
	}
	f.Charging, f.Mock = toBool(r.Charging), toBool(r.Mock)
	f.Trigger, f.Network = r.Trigger, toNetwork(r.Network)
	f.Quality = track.Marks(r.Quality)
	f.ReceivedAt = Time(r.ReceivedUS)
	f.Seq = uint64(r.Seq)
	return nil
}

// Seq converts a sequence number, or says that no database can hold it.
func Seq(n uint64) (int64, error) {
	if n > math.MaxInt64 {
		return 0, fmt.Errorf("sequence number %d is too large", n)
	}
	return int64(n), nil
}

// Time is the moment us microseconds after 1970, UTC.
func Time(us int64) time.Time { return time.UnixMicro(us).UTC() }

// TimeOrZero is [Time], where 0 stands for no time.
func TimeOrZero(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return Time(us)
}

// MicrosOrZero is the reverse of [TimeOrZero].
func MicrosOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Bound returns the first microsecond that is not before t; fallback if t is
// zero. Fixes are kept in microseconds, bounds may be finer.
func Bound(t time.Time, fallback int64) int64 {
	if t.IsZero() {
		return fallback
	}
	us := t.UnixMicro()
	if time.UnixMicro(us).Before(t) {
		us++
	}
	return us
}

// The networks are kept as the letters that OwnTracks has for them; what is
// not one of them is kept as it is.
var letters = [...]struct {
	network track.Network
	letter  string
}{{track.NetworkWiFi, "w"}, {track.NetworkMobile, "m"}, {track.NetworkOffline, "o"}}

func fromNetwork(n track.Network) string {
	for _, l := range letters {
		if n == l.network {
			return l.letter
		}
	}
	return Text(string(n))
}

func toNetwork(s string) track.Network {
	for _, l := range letters {
		if s == l.letter {
			return l.network
		}
	}
	return track.Network(s)
}

func fromBool(b track.Optional[bool]) int32 {
	switch {
	case !b.Known:
		return track.Unknown
	case b.Value:
		return 1
	default:
		return 0
	}
}

func toBool(v int32) track.Optional[bool] {
	if v == track.Unknown {
		return track.Optional[bool]{}
	}
	return track.Some(v != 0)
}
