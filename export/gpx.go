package export

import (
	"encoding/xml"
	"io"
	"strconv"
	"time"

	"fieldcast/track"
)

// gpxExtensions is the namespace of what GPX 1.1 has no element for. It is a
// name, not a page.
const gpxExtensions = "urn:fieldcast:gpx:1"

// gpx writes one track with a segment for each unbroken stretch
// (https://www.topografix.com/GPX/1/1/gpx.xsd).
type gpx struct {
	out    *xml.Encoder
	w      io.Writer
	person Person
	last   time.Time
	begun  bool
}

func newGPX(w io.Writer, p Person) *gpx { return &gpx{out: xml.NewEncoder(w), w: w, person: p} }

// point is a trkpt, its elements in the order of the schema.
type point struct {
	XMLName    xml.Name   `xml:"trkpt"`
	Lat        string     `xml:"lat,attr"`
	Lon        string     `xml:"lon,attr"`
	Elevation  string     `xml:"ele,omitempty"`
	Time       string     `xml:"time"`
	Extensions extensions `xml:"extensions"`
}

type extensions struct {
	Accuracy string `xml:"fc:accuracy_m,omitempty"`
	Speed    string `xml:"fc:speed_mps,omitempty"`
	Course   string `xml:"fc:course_deg,omitempty"`
	Battery  string `xml:"fc:battery_pct,omitempty"`
	Trigger  string `xml:"fc:trigger,omitempty"`
	Quality  string `xml:"fc:quality"`
}

func (g *gpx) begin() error {
	g.begun = true
	if _, err := io.WriteString(g.w, xml.Header); err != nil {
		return err
	}
	err := g.open("gpx", "version", "1.1", "creator", "Fieldcast", "xmlns", "http://www.topografix.com/GPX/1/1", "xmlns:fc", gpxExtensions)
	if err == nil {
		err = g.open("trk")
	}
	if err == nil {
		err = g.out.EncodeElement(g.person.title(), element("name"))
	}
	return err
}

// Write adds a trkpt, and a segment where one begins.
func (g *gpx) Write(f track.Fix) error {
	if !g.begun {
		if err := g.begin(); err != nil {
			return err
		}
	}
	switch {
	case g.last.IsZero():
		if err := g.open("trkseg"); err != nil {
			return err
		}
	case f.RecordedAt.Sub(g.last) > gap:
		if err := g.close("trkseg"); err != nil {
			return err
		}
		if err := g.open("trkseg"); err != nil {
			return err
		}
	}
	g.last = f.RecordedAt
	return g.out.Encode(point{
		Lat: number(f.Lat), Lon: number(f.Lon), Elevation: optional(f.AltitudeM), Time: utc(f.RecordedAt),
		Extensions: extensions{
			Accuracy: optional(f.AccuracyM), Speed: optional(f.SpeedMPS), Course: optional(f.CourseDeg),
			Battery: whole(f.BatteryPct), Trigger: f.Trigger, Quality: f.Quality.String(),
		},
	})
}

// Close ends the document.
func (g *gpx) Close() error {
	if !g.begun {
		if err := g.begin(); err != nil {
			return err
		}
	}
	if !g.last.IsZero() {
		if err := g.close("trkseg"); err != nil {
			return err
		}
	}
	for _, name := range []string{"trk", "gpx"} {
		if err := g.close(name); err != nil {
			return err
		}
	}
	return g.out.Close()
}

func (g *gpx) open(name string, attributes ...string) error {
	return g.out.EncodeToken(element(name, attributes...))
}

func (g *gpx) close(name string) error { return g.out.EncodeToken(element(name).End()) }

func element(name string, attributes ...string) xml.StartElement {
	e := xml.StartElement{Name: xml.Name{Local: name}}
	for i := 0; i < len(attributes); i += 2 {
		e.Attr = append(e.Attr, xml.Attr{Name: xml.Name{Local: attributes[i]}, Value: attributes[i+1]})
	}
	return e
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func optional(v track.Optional[float64]) string {
	if !v.Known {
		return ""
	}
	return number(v.Value)
}

func whole(v track.Optional[int]) string {
	if !v.Known {
		return ""
	}
	return strconv.Itoa(v.Value)
}
