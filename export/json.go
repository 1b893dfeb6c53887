package export

import (
	"encoding/json"
	"io"

	"fieldcast/track"
)

// geoJSON writes a collection of points, each with all that is known of it.
type geoJSON struct {
	w      io.Writer
	person Person
	n      int
}

// feature is RFC 7946, 3.2. It is written here because the library for it would
// bring a database's driver into the program.
type feature struct {
	Type       string         `json:"type"`
	Geometry   geometry       `json:"geometry"`
	Properties map[string]any `json:"properties"`
}

type geometry struct {
	Type        string     `json:"type"`
	Coordinates [2]float64 `json:"coordinates"` // longitude first
}

// Write adds a feature.
func (g *geoJSON) Write(f track.Fix) error {
	values, err := properties(f, g.person)
	if err != nil {
		return err
	}
	body, err := json.Marshal(feature{"Feature", geometry{"Point", [2]float64{f.Lon, f.Lat}}, values})
	if err != nil {
		return err
	}
	before := ",\n"
	if g.n == 0 {
		before = `{"type":"FeatureCollection","features":[` + "\n"
	}
	g.n++
	_, err = io.WriteString(g.w, before+string(body))
	return err
}

// properties are the fields of a fix, the place aside.
func properties(f track.Fix, p Person) (map[string]any, error) {
	body, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	if err := json.Unmarshal(body, &values); err != nil {
		return nil, err
	}
	delete(values, "lat")
	delete(values, "lon")
	values["name"] = p.title()
	return values, nil
}

// Close ends the collection.
func (g *geoJSON) Close() error {
	end := "\n]}\n"
	if g.n == 0 {
		end = `{"type":"FeatureCollection","features":[]}` + "\n"
	}
	_, err := io.WriteString(g.w, end)
	return err
}

// ndJSON writes a fix a line, as REST gives it.
type ndJSON struct{ out *json.Encoder }

func newNDJSON(w io.Writer) ndJSON { return ndJSON{json.NewEncoder(w)} }

// Write adds a line.
func (n ndJSON) Write(f track.Fix) error { return n.out.Encode(f) }

// Close writes nothing: lines have no end but their last.
func (n ndJSON) Close() error { return nil }
