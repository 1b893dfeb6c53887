package export_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fieldcast/export"
	"fieldcast/simulate"
	"fieldcast/track"
)

var noon = time.Date(2026, 3, 2, 17, 30, 0, 5e8, time.FixedZone("IST", 5*3600+1800)) // noon, UTC

// nasty is who would break what is not escaped.
var nasty = export.Person{ID: "e1", Name: "=cmd|' /C calc'!A0<script>alert(1)</script>&\"]]>\x00\x1b"}

func fixes(n int) (out []track.Fix) {
	for i := range n {
		f := track.Fix{
			Company: "acme", Employee: "e1", Lat: -33.8 - float64(i)/1e4, Lon: 151.2, AltitudeM: track.Some(12.5), AccuracyM: track.Some(8.0), SpeedMPS: track.Some(0.0),
			RecordedAt: noon.Add(time.Duration(i) * 10 * time.Second), ReceivedAt: noon, Seq: uint64(i + 1), Trigger: "+<b>", Quality: track.MarkStale,
		}
		if i >= n/2 {
			f.RecordedAt = f.RecordedAt.Add(time.Hour)
		}
		out = append(out, f.Round())
	}
	return out
}

func write(t *testing.T, format export.Format, p export.Person, fixes []track.Fix) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := export.New(format, &b, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fixes {
		if err := w.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// texts collects the text of each element by its local name, and fails on what
// is not well-formed.
func texts(t *testing.T, document []byte) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	var name string
	for d := xml.NewDecoder(bytes.NewReader(document)); ; {
		token, err := d.Token()
		if err != nil {
			if err.Error() != "EOF" {
				t.Fatalf("%v in %.600s", err, document)
			}
			return out
		}
		switch v := token.(type) {
		case xml.StartElement:
			name = v.Name.Local
			out["<"+name] = append(out["<"+name], v.Name.Space)
		case xml.CharData:
			if s := strings.TrimSpace(string(v)); s != "" {
				out[name] = append(out[name], s)
			}
		}
	}
}

// The reader of the simulator reads what is written, to the last digit.
func TestGPX(t *testing.T) {
	all := fixes(40)
	document := write(t, export.GPX, nasty, all)
	path := filepath.Join(t.TempDir(), "x.gpx")
	if err := os.WriteFile(path, document, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := simulate.ReadTrack(path)
	if err != nil || len(got) != len(all) {
		t.Fatalf("%d fixes, %v", len(got), err)
	}
	for i, f := range got {
		if f.Lat != all[i].Lat || f.Lon != all[i].Lon || !f.RecordedAt.Equal(all[i].RecordedAt) || f.AltitudeM != all[i].AltitudeM {
			t.Errorf("fix %d: %+v, want %+v", i, f, all[i])
		}
	}
	x := texts(t, document)
	if len(x["<trkseg"]) != 2 || x["<gpx"][0] != "http://www.topografix.com/GPX/1/1" || x["<quality"][0] == "" || x["quality"][0] != "stale" || x["time"][0] != "2026-03-02T12:00:00.5Z" || !strings.HasPrefix(x["name"][0], "=cmd|' /C calc'!A0<script>") {
		t.Errorf("got %.900s", document)
	}
	if strings.Contains(string(document), "<script") || strings.ContainsAny(string(document), "\x00\x1b") {
		t.Error("the name is not escaped")
	}
}

func TestKML(t *testing.T) {
	all := fixes(3000) // two stretches, each of more than a thousand
	x := texts(t, write(t, export.KML, nasty, all))
	if len(x["<Track"]) != 4 || x["<MultiTrack"][0] != "http://www.google.com/kml/ext/2.2" || len(x["when"]) != 3002 || len(x["coord"]) != 3002 {
		t.Errorf("%d tracks, %d times, %d places", len(x["<Track"]), len(x["when"]), len(x["coord"]))
	}
	if at, err := time.Parse(time.RFC3339, x["when"][0]); err != nil || math.Abs(at.Sub(noon).Seconds()) > 1 || !strings.HasSuffix(x["when"][0], "Z") || x["coord"][0] != "151.2 -33.8 12.5" {
		t.Errorf("%q at %q, %v", x["coord"][0], x["when"][0], err)
	}
	if x["when"][999] != x["when"][1000] || x["coord"][999] != x["coord"][1000] {
		t.Error("the second track does not begin where the first ended")
	}
}

func TestGeoJSON(t *testing.T) {
	var got struct {
		Type     string
		Features []struct {
			Type     string
			Geometry struct {
				Type        string
				Coordinates []float64
			}
			Properties map[string]any
		}
	}
	if err := json.Unmarshal(write(t, export.GeoJSON, nasty, fixes(3)), &got); err != nil {
		t.Fatal(err)
	}
	f := got.Features[1]
	if got.Type != "FeatureCollection" || len(got.Features) != 3 || f.Type != "Feature" || f.Geometry.Type != "Point" || f.Geometry.Coordinates[0] != 151.2 ||
		f.Properties["name"] == "" || f.Properties["altitude_m"] != 12.5 || f.Properties["quality"] != "stale" || f.Properties["lat"] != nil {
		t.Errorf("got %+v", got)
	}
}

func TestCSV(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(write(t, export.CSV, nasty, fixes(2)))).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v, %v", rows, err)
	}
	row := map[string]string{}
	for i, name := range rows[0] {
		row[name] = rows[1][i]
	}
	if row["name"] != "'"+nasty.Name || row["trigger"] != "'+<b>" || row["lat"] != "-33.8" || row["recorded_at"] != "2026-03-02T12:00:00.5Z" || row["speed_mps"] != "0" || row["battery_pct"] != "" {
		t.Errorf("got %q", row)
	}
	for _, formula := range []string{"=1", "+1", "-1", "@x", "\tx", "\rx", "|x"} {
		rows, err := csv.NewReader(bytes.NewReader(write(t, export.CSV, export.Person{ID: "e1", Name: formula}, fixes(1)))).ReadAll()
		if err != nil || !strings.HasPrefix(rows[1][1], "'") {
			t.Errorf("%q became %q, %v", formula, rows, err)
		}
	}
}

func TestNDJSON(t *testing.T) {
	all := fixes(3)
	lines := strings.Split(strings.TrimSpace(string(write(t, export.NDJSON, nasty, all))), "\n")
	for i, line := range lines {
		var f track.Fix
		if err := json.Unmarshal([]byte(line), &f); err != nil || f != all[i] {
			t.Errorf("%s: %v", line, err)
		}
	}
	if len(lines) != 3 {
		t.Errorf("%d lines", len(lines))
	}
}

// A person who has not reported gives a whole document, too.
func TestNothing(t *testing.T) {
	for _, format := range []export.Format{export.GPX, export.KML} {
		if x := texts(t, write(t, format, nasty, nil)); len(x["name"]) == 0 {
			t.Errorf("%s: %v", format, x)
		}
	}
	if !json.Valid(write(t, export.GeoJSON, nasty, nil)) {
		t.Error("GeoJSON of nothing")
	}
	if rows, err := csv.NewReader(bytes.NewReader(write(t, export.CSV, nasty, nil))).ReadAll(); err != nil || len(rows) != 1 {
		t.Errorf("CSV of nothing: %v, %v", rows, err)
	}
	if _, err := export.New("doc", nil, nasty); !errors.Is(err, track.ErrInvalid) {
		t.Errorf("a format that there is not: %v", err)
	}
}

// full fails after some bytes, as a reader does who goes away.
type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errors.New("gone")
	}
	return len(b), nil
}

func TestErrorsAreTold(t *testing.T) {
	for _, format := range []export.Format{export.GPX, export.GeoJSON, export.KML, export.CSV, export.NDJSON} {
		for _, left := range []int{0, 30, 20_000} {
			w, err := export.New(format, &full{left}, nasty)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range fixes(2000) {
				if err = w.Write(f); err != nil {
					break
				}
			}
			if err == nil {
				err = w.Close()
			}
			if err == nil {
				t.Errorf("%s: nobody notices that only %d bytes were written", format, left)
			}
		}
	}
}
