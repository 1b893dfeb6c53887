package simulate

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"fieldcast/track"
)

// gpxPoint is a point of a track. Names are compared without their namespace,
// so that GPX 1.0 and 1.1 and the extensions of device makers read alike: 1.0
// has speed and course in the point itself, 1.1 in extensions.
type gpxPoint struct {
	Lat       string    `xml:"lat,attr"`
	Lon       string    `xml:"lon,attr"`
	Elevation string    `xml:"ele"`
	Time      string    `xml:"time"`
	Speed     string    `xml:"speed"`
	Course    string    `xml:"course"`
	Inside    gpxInside `xml:"extensions"`
}

// gpxInside are extensions, which may hold others, e.g. a TrackPointExtension.
type gpxInside struct {
	Speed    string      `xml:"speed"`
	Course   string      `xml:"course"`
	Accuracy string      `xml:"accuracy"`
	Deeper   []gpxInside `xml:",any"`
}

// readGPX reads the points of all tracks. Routes and way points were planned,
// not recorded, and are left out.
func readGPX(r io.Reader) ([]track.Fix, error) {
	d := xml.NewDecoder(r)
	var fixes []track.Fix
	rooted := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return fixes, nil
		} else if err != nil {
			return nil, fmt.Errorf("%w track: %w", track.ErrInvalid, err)
		}
		start, ok := token.(xml.StartElement)
		switch {
		case !ok:
		case !rooted && start.Name.Local != "gpx":
			return nil, track.Invalid("track", "it is XML, but <%s> instead of <gpx>", start.Name.Local)
		case start.Name.Local == "trkpt":
			f, timed, err := readPoint(d, start)
			if err != nil {
				line, _ := d.InputPos()
				return nil, fmt.Errorf("point that ends in line %d: %w", line, err)
			}
			if timed {
				fixes = append(fixes, f)
			}
		default:
			rooted = true
		}
	}
}

// readPoint reads a point; timed is false if it carries no time.
func readPoint(d *xml.Decoder, start xml.StartElement) (f track.Fix, timed bool, err error) {
	var p gpxPoint
	if err := d.DecodeElement(&p, &start); err != nil {
		return f, false, fmt.Errorf("%w point: %w", track.ErrInvalid, err)
	}
	if strings.TrimSpace(p.Time) == "" {
		return f, false, nil
	}
	if f.RecordedAt, err = gpxTime(p.Time); err != nil {
		return f, false, err
	}
	lat, lon := decimal(p.Lat), decimal(p.Lon)
	if lat == nil || lon == nil {
		return f, false, track.Invalid("point", "lat %q, lon %q are not numbers", p.Lat, p.Lon)
	}
	if err := checkPlace(*lat, *lon); err != nil {
		return f, false, err
	}
	f.Lat, f.Lon = *lat, *lon
	if v := decimal(p.Elevation); v != nil {
		f.AltitudeM = track.Some(*v)
	}
	f.SpeedMPS, f.CourseDeg = notNegative(decimal(p.Speed)), notNegative(decimal(p.Course))
	p.Inside.apply(&f)
	return f, true, nil
}

// apply sets what the point itself does not say.
func (in gpxInside) apply(f *track.Fix) {
	if !f.SpeedMPS.Known {
		f.SpeedMPS = notNegative(decimal(in.Speed))
	}
	if !f.CourseDeg.Known {
		f.CourseDeg = notNegative(decimal(in.Course))
	}
	if v := notNegative(decimal(in.Accuracy)); !f.AccuracyM.Known && v.Value > 0 {
		f.AccuracyM = v
	}
	for _, deeper := range in.Deeper {
		deeper.apply(f)
	}
}

// decimal returns nil for text that is no finite number.
func decimal(s string) *float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// gpxTime reads an ISO 8601 time. Without a zone it is UTC, as GPX demands.
func gpxTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, track.Invalid("time", "%q is not like 2006-01-02T15:04:05Z", s)
}
