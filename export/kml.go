package export

import (
	"encoding/xml"
	"io"

	"github.com/twpayne/go-kml/v3"

	"fieldcast/track"
)

// kmlAtOnce is how many fixes a gx:Track has at most: its times come before its
// places, so it is held until it is whole.
const kmlAtOnce = 1000

// kmlWriter writes a placemark of tracks with times
// (https://developers.google.com/kml/documentation/kmlreference#gxtrack). Where
// a track ends because it is long enough, the next begins with its last fix.
type kmlWriter struct {
	out    *xml.Encoder
	w      io.Writer
	person Person
	held   []track.Fix
	begun  bool
}

func newKML(w io.Writer, p Person) *kmlWriter {
	return &kmlWriter{out: xml.NewEncoder(w), w: w, person: p}
}

// around are the elements that the tracks are in.
var around = []xml.StartElement{
	element("kml", "xmlns", "http://www.opengis.net/kml/2.2", "xmlns:gx", "http://www.google.com/kml/ext/2.2"),
	element("Document"), element("Placemark"), element("gx:MultiTrack"),
}

func (k *kmlWriter) begin() error {
	k.begun = true
	if _, err := io.WriteString(k.w, xml.Header); err != nil {
		return err
	}
	for _, e := range around {
		if err := k.out.EncodeToken(e); err != nil {
			return err
		}
		if e.Name.Local == "Document" || e.Name.Local == "Placemark" {
			if err := k.put(kml.Name(k.person.title())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *kmlWriter) put(e kml.Element) error { return e.MarshalXML(k.out, xml.StartElement{}) }

// Write holds the fix until its track is whole.
func (k *kmlWriter) Write(f track.Fix) error {
	n := len(k.held)
	switch {
	case n > 0 && f.RecordedAt.Sub(k.held[n-1].RecordedAt) > gap:
		if err := k.flush(); err != nil {
			return err
		}
		k.held = k.held[:0]
	case n == kmlAtOnce:
		if err := k.flush(); err != nil {
			return err
		}
		k.held = append(k.held[:0], k.held[n-1])
	}
	k.held = append(k.held, f)
	return nil
}

func (k *kmlWriter) flush() error {
	if !k.begun {
		if err := k.begin(); err != nil {
			return err
		}
	}
	if len(k.held) == 0 {
		return nil
	}
	parts := make([]kml.Element, 0, 2*len(k.held))
	for _, f := range k.held {
		parts = append(parts, kml.When(f.RecordedAt.UTC()))
	}
	for _, f := range k.held {
		parts = append(parts, kml.GxCoord(kml.Coordinate{Lon: f.Lon, Lat: f.Lat, Alt: f.AltitudeM.Or(0)}))
	}
	return k.put(kml.GxTrack(parts...))
}

// Close ends the document.
func (k *kmlWriter) Close() error {
	if err := k.flush(); err != nil {
		return err
	}
	for i := len(around) - 1; i >= 0; i-- {
		if err := k.out.EncodeToken(around[i].End()); err != nil {
			return err
		}
	}
	return k.out.Close()
}
