package export

import (
	"io"
	"time"

	"fieldcast/track"
)

// Format is one of the formats, by the ending of its files.
type Format string

// The formats.
const (
	GPX     Format = "gpx"
	GeoJSON Format = "geojson"
	KML     Format = "kml"
	CSV     Format = "csv"
	NDJSON  Format = "ndjson"
)

// ContentType returns the format's media type; empty if it is none of ours.
func (f Format) ContentType() string {
	switch f {
	case GPX:
		return "application/gpx+xml"
	case GeoJSON:
		return "application/geo+json"
	case KML:
		return "application/vnd.google-earth.kml+xml"
	case CSV:
		return "text/csv; charset=utf-8"
	case NDJSON:
		return "application/x-ndjson"
	}
	return ""
}

// Person is whose fixes they are.
type Person struct {
	ID, Name string
}

// title is what a map shows.
func (p Person) title() string {
	if p.Name == "" {
		return p.ID
	}
	return p.Name
}

// Writer writes fixes. It is for one goroutine. After an error, what was written
// is of no use.
type Writer interface {
	// Write adds a fix, which must not be older than the one before.
	Write(f track.Fix) error
	// Close writes what comes at the end. It does not close what it writes to.
	Close() error
}

// New returns a writer of a format to w, or [track.ErrInvalid] for a format that
// there is not.
func New(format Format, w io.Writer, p Person) (Writer, error) {
	switch format {
	case GPX:
		return newGPX(w, p), nil
	case GeoJSON:
		return &geoJSON{w: w, person: p}, nil
	case KML:
		return newKML(w, p), nil
	case CSV:
		return newCSV(w, p), nil
	case NDJSON:
		return newNDJSON(w), nil
	}
	return nil, track.Invalid("format", "%q is not one of gpx, geojson, kml, csv, ndjson", string(format))
}

// gap is the silence at which lines are cut, as in track/journey.
const gap = 5 * time.Minute

func utc(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
