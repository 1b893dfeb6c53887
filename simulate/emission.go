package simulate

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"time"

	"fieldcast/track"
)

// emissionEntry is an entry of an e-mission (OpenPATH) recording.
type emissionEntry struct {
	Metadata struct {
		Key string `json:"key"`
	} `json:"metadata"`
	Data struct {
		TS        *float64 `json:"ts"` // Unix seconds
		Latitude  *float64 `json:"latitude"`
		Longitude *float64 `json:"longitude"`
		Accuracy  *float64 `json:"accuracy"`
		VAccuracy *float64 `json:"vaccuracy"`
		Altitude  *float64 `json:"altitude"`
		Speed     *float64 `json:"sensed_speed"`
		Heading   *float64 `json:"heading"`
		Level     *float64 `json:"battery_level_pct"`
		Status    *int     `json:"battery_status"`
	} `json:"data"`
}

// emissionBattery is a reading of the battery.
type emissionBattery struct {
	at       time.Time
	level    track.Optional[int]
	charging track.Optional[bool]
}

// readEMission reads a list of entries, one at a time.
func readEMission(r io.Reader) ([]track.Fix, error) {
	d := json.NewDecoder(r)
	if _, err := d.Token(); err != nil { // the bracket
		return nil, fmt.Errorf("%w track: %w", track.ErrInvalid, err)
	}
	var fixes []track.Fix
	var batteries []emissionBattery
	for n := 1; d.More(); n++ {
		var e emissionEntry
		if err := d.Decode(&e); err != nil {
			return nil, fmt.Errorf("%w entry %d: %w", track.ErrInvalid, n, err)
		}
		switch e.Metadata.Key {
		case "background/location":
			f, err := e.fix()
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", n, err)
			}
			fixes = append(fixes, f)
		case "background/battery":
			if b, ok := e.battery(); ok {
				batteries = append(batteries, b)
			}
		}
	}
	if _, err := d.Token(); err != nil { // the other bracket
		return nil, fmt.Errorf("%w track: %w", track.ErrInvalid, err)
	}
	addBatteries(fixes, batteries)
	return fixes, nil
}

func (e *emissionEntry) fix() (f track.Fix, err error) {
	if e.Data.TS == nil || e.Data.Latitude == nil || e.Data.Longitude == nil {
		return f, track.Invalid("location", "ts, latitude or longitude is missing")
	}
	if err := checkPlace(*e.Data.Latitude, *e.Data.Longitude); err != nil {
		return f, err
	}
	f = track.Fix{
		Lat: *e.Data.Latitude, Lon: *e.Data.Longitude, RecordedAt: unixSeconds(*e.Data.TS),
		AccuracyM:         notNegative(e.Data.Accuracy),
		VerticalAccuracyM: notNegative(e.Data.VAccuracy),
		SpeedMPS:          notNegative(e.Data.Speed),
		CourseDeg:         notNegative(e.Data.Heading),
	}
	if f.AccuracyM.Value == 0 { // as in OwnTracks: not known
		f.AccuracyM.Known = false
	}
	if e.Data.Altitude != nil {
		f.AltitudeM = track.Some(*e.Data.Altitude)
	}
	return f, nil
}

// battery reads e-mission's states: 1 discharging, 2 charging, 3 full, 4 not
// charging.
func (e *emissionEntry) battery() (b emissionBattery, ok bool) {
	if e.Data.TS == nil || e.Data.Level == nil {
		return b, false
	}
	b.at = unixSeconds(*e.Data.TS)
	if level := *e.Data.Level; level >= 0 && level <= 100 {
		b.level = track.Some(int(math.Round(level)))
	}
	if e.Data.Status != nil && *e.Data.Status >= 1 && *e.Data.Status <= 4 {
		b.charging = track.Some(*e.Data.Status == 2 || *e.Data.Status == 3)
	}
	return b, true
}

// addBatteries gives each fix the latest reading that is not after it.
func addBatteries(fixes []track.Fix, batteries []emissionBattery) {
	slices.SortStableFunc(batteries, func(a, b emissionBattery) int { return a.at.Compare(b.at) })
	for i := range fixes {
		after := sort.Search(len(batteries), func(k int) bool { return batteries[k].at.After(fixes[i].RecordedAt) })
		if after > 0 {
			fixes[i].BatteryPct, fixes[i].Charging = batteries[after-1].level, batteries[after-1].charging
		}
	}
}

func unixSeconds(s float64) time.Time {
	return time.UnixMicro(int64(math.Round(s * 1e6))).UTC()
}
