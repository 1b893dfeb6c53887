package payload

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"fieldcast/track"
)

// EncodeOwnTracks writes a fix as the location message of an OwnTracks app.
// What is unknown is left out. Decode reads the same fix back, except Mock,
// for which OwnTracks has no field.
func EncodeOwnTracks(f track.Fix) []byte {
	b := make([]byte, 0, 192)
	b = append(b, `{"_type":"location"`...)
	b = member(b, "lat", f.Lat)
	b = member(b, "lon", f.Lon)
	b = append(b, `,"tst":`...)
	b = appendSeconds(b, f.RecordedAt)
	b = optional(b, "acc", f.AccuracyM)
	b = optional(b, "alt", f.AltitudeM)
	b = optional(b, "vac", f.VerticalAccuracyM)
	if f.SpeedMPS.Known {
		// Nine digits after the point are finer than what is kept, and hide
		// the noise of the conversion.
		b = member(b, "vel", math.Round(f.SpeedMPS.Value*kmhPerMPS*1e9)/1e9)
	}
	b = optional(b, "cog", f.CourseDeg)
	if f.BatteryPct.Known {
		b = member(b, "batt", float64(f.BatteryPct.Value))
	}
	if f.Charging.Known {
		state := 1.0
		if f.Charging.Value {
			state = 2
		}
		b = member(b, "bs", state)
	}
	switch f.Network {
	case track.NetworkWiFi:
		b = append(b, `,"conn":"w"`...)
	case track.NetworkMobile:
		b = append(b, `,"conn":"m"`...)
	case track.NetworkOffline:
		b = append(b, `,"conn":"o"`...)
	}
	if t := trigger([]byte(f.Trigger)); t != "" {
		quoted, _ := json.Marshal(t) // a string always can be marshalled
		b = append(append(b, `,"t":`...), quoted...)
	}
	return append(b, '}')
}

func optional(b []byte, key string, v track.Optional[float64]) []byte {
	if !v.Known {
		return b
	}
	return member(b, key, v.Value)
}

// member appends a number; null if JSON cannot write it.
func member(b []byte, key string, v float64) []byte {
	b = append(append(append(b, ',', '"'), key...), '"', ':')
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}

// appendSeconds writes Unix seconds, with a fraction only if there is one.
func appendSeconds(b []byte, at time.Time) []byte {
	us := at.UnixMicro()
	if us < 0 { // before 1970: no phone sends that, and Decode refuses it
		return strconv.AppendFloat(b, float64(us)/1e6, 'f', -1, 64)
	}
	b = strconv.AppendInt(b, us/1_000_000, 10)
	if fraction := us % 1_000_000; fraction != 0 {
		digits := strconv.AppendInt(nil, 1_000_000+fraction, 10)
		digits[0] = '.'
		for digits[len(digits)-1] == '0' {
			digits = digits[:len(digits)-1]
		}
		b = append(b, digits...)
	}
	return b
}
