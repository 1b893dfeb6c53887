package simulate_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"fieldcast/simulate"
	"fieldcast/track"
)

// traces returns the folder with recordings that are not part of the
// repository, or skips the test.
func traces(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("FIELDCAST_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	dir = filepath.Join(dir, "traces")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs recorded tracks in the folder traces of $FIELDCAST_SHARED or ../shared: %v", err)
	}
	return dir
}

// What the descriptions of the recordings say about them.
func TestReadTrackRecordings(t *testing.T) {
	dir := traces(t)
	tests := []struct {
		file    string
		points  int
		from    string
		batt    bool
		speeds  bool
		backish int // steps back in time
	}{
		{"phone-android-p1-2015-07-22.json", 631, "2015-07-22T15:14:53Z", false, true, 1},
		{"phone-android-p1-2016-01-12.json", 638, "2016-01-12T16:22:18Z", false, true, 1},
		{"phone-android-p1-2016-08-15.json", 801, "2016-08-15T13:59:32Z", true, true, 0},
		{"phone-android-p2-2016-06-15.json", 626, "2016-06-15T16:27:47Z", true, true, 1},
		{"phone-ios-p3-2016-02-22.json", 260, "2016-02-22T21:06:06Z", false, true, 2},
		{"phone-ios-p4-2016-02-22.json", 268, "2016-02-22T16:58:38Z", false, true, 1},
		{"bike-lake-cerknica-2010-08-05.gpx", 296, "2010-08-05T14:23:59Z", false, false, -1},
		{"hike-korita-zbevnica-2010-10-03.gpx", 513, "2010-10-03T09:36:30Z", false, false, -1},
		{"car-visnjan-2020-12-18.gpx", 104, "2020-12-18T06:15:50Z", false, false, 0},
		{"run-visnjan-2014-08-22.gpx", 413, "2014-08-22T16:48:52Z", false, false, 0},
		{"bus-limerick-304-2019-02-18.gpx", 2144, "2019-02-18T07:45:50Z", false, false, 0},
		{"hike-julian-alps-2016-07-22.gpx", 5181, "2016-07-22T08:32:47Z", false, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			fixes, err := simulate.ReadTrack(filepath.Join(dir, tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if len(fixes) != tt.points {
				t.Errorf("got %d points, want %d", len(fixes), tt.points)
			}
			from, back, speeds, batteries := time.Time{}, 0, 0, 0
			for i, f := range fixes {
				if at := f.RecordedAt; at.Year() > 2000 && (from.IsZero() || at.Before(from)) {
					from = at
				}
				if i > 0 && f.RecordedAt.Before(fixes[i-1].RecordedAt) {
					back++
				}
				if f.SpeedMPS.Known {
					speeds++
				}
				if f.BatteryPct.Known {
					batteries++
				}
				checkTrackFix(t, f)
			}
			if got := from.Truncate(time.Second).Format(time.RFC3339); got != tt.from {
				t.Errorf("begins at %s, want %s", got, tt.from)
			}
			if tt.backish >= 0 && back != tt.backish {
				t.Errorf("%d steps back in time, want %d", back, tt.backish)
			}
			if (speeds > 0) != tt.speeds || (batteries > 0) != tt.batt {
				t.Errorf("%d fixes with speed, %d with battery", speeds, batteries)
			}
		})
	}
}

func checkTrackFix(t *testing.T, f track.Fix) {
	t.Helper()
	if f.Lat == 0 || f.Lon == 0 || f.RecordedAt.Location() != time.UTC {
		t.Errorf("fix %+v", f)
	}
	if f.SpeedMPS.Value < 0 || f.CourseDeg.Value < 0 || f.VerticalAccuracyM.Value < 0 || f.AccuracyM.Value < 0 {
		t.Errorf("a measurement below 0 was kept: %+v", f)
	}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadTrackGPX(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		name, content string
		want          []track.Fix
	}{
		{"version 1.0", `<?xml version="1.0"?><gpx version="1.0" xmlns="http://www.topografix.com/GPX/1/0">
			<wpt lat="1" lon="2"><time>2026-11-23T09:00:00Z</time></wpt>
			<trk><trkseg><trkpt lat="12.5" lon="77.5"><ele>920.5</ele><time>2026-11-23T10:00:00Z</time><course>120</course><speed>4.2</speed></trkpt>
			<trkpt lat="12.5" lon="77.5"><ele>3</ele></trkpt></trkseg>
			<trkseg><trkpt lat="-12.5" lon="-77.5"><time>2026-11-23T12:00:00.5+02:00</time></trkpt></trkseg></trk></gpx>`,
			[]track.Fix{
				{Lat: 12.5, Lon: 77.5, AltitudeM: track.Some(920.5), SpeedMPS: track.Some(4.2), CourseDeg: track.Some(120.0), RecordedAt: at},
				{Lat: -12.5, Lon: -77.5, RecordedAt: at.Add(500 * time.Millisecond)},
			}},
		{"version 1.1 with prefixes", "\ufeff" + `<g:gpx version="1.1" xmlns:g="http://www.topografix.com/GPX/1/1" xmlns:t="http://www.garmin.com/xmlschemas/TrackPointExtension/v2">
			<g:trk><g:trkseg><g:trkpt lat="1" lon="2"><g:time> 2026-11-23T10:00:00 </g:time><g:extensions><t:TrackPointExtension>
			<t:hr>94</t:hr><t:speed>1.5</t:speed><t:course>-1</t:course></t:TrackPointExtension><accuracy>8</accuracy></g:extensions></g:trkpt></g:trkseg></g:trk></g:gpx>`,
			[]track.Fix{{Lat: 1, Lon: 2, SpeedMPS: track.Some(1.5), AccuracyM: track.Some(8.0), RecordedAt: at}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := simulate.ReadTrack(write(t, "a.gpx", tt.content))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

func TestReadTrackEMission(t *testing.T) {
	const location = `{"metadata":{"key":"background/location"},"data":{"latitude":1,"longitude":2,"ts":1000.5,"accuracy":8,"vaccuracy":-1,"altitude":-3,"sensed_speed":-1,"heading":90}}`
	content := `[` + location + `,
		{"metadata":{"key":"background/battery"},"data":{"ts":1001,"battery_level_pct":40,"battery_status":1}},
		{"metadata":{"key":"background/battery"},"data":{"ts":900,"battery_level_pct":50,"battery_status":2}},
		{"metadata":{"key":"statemachine/transition"},"data":{"ts":1,"transition":"start"}}]`
	got, err := simulate.ReadTrack(write(t, "a.json", content))
	want := []track.Fix{{
		Lat: 1, Lon: 2, RecordedAt: time.UnixMilli(1000500).UTC(), AccuracyM: track.Some(8.0), AltitudeM: track.Some(-3.0),
		CourseDeg: track.Some(90.0), BatteryPct: track.Some(50), Charging: track.Some(true),
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

func TestReadTrackRefuses(t *testing.T) {
	for name, content := range map[string]string{
		"empty":          "",
		"text":           "hello",
		"other XML":      `<kml><trkpt lat="1" lon="2"><time>2026-11-23T10:00:00Z</time></trkpt></kml>`,
		"cut off GPX":    `<gpx><trk><trkseg><trkpt lat="1" lon="2"><time>2026-11-23T10:00`,
		"no times":       `<gpx><trk><trkseg><trkpt lat="1" lon="2"/></trkseg></trk></gpx>`,
		"bad time":       `<gpx><trk><trkseg><trkpt lat="1" lon="2"><time>yesterday</time></trkpt></trkseg></trk></gpx>`,
		"bad latitude":   `<gpx><trk><trkseg><trkpt lat="91" lon="2"><time>2026-11-23T10:00:00Z</time></trkpt></trkseg></trk></gpx>`,
		"no longitude":   `<gpx><trk><trkseg><trkpt lat="1"><time>2026-11-23T10:00:00Z</time></trkpt></trkseg></trk></gpx>`,
		"cut off list":   `[{"metadata":{"key":"x"}}`,
		"broken entry":   `[{"metadata":7}]`,
		"no locations":   `[]`,
		"no coordinates": `[{"metadata":{"key":"background/location"},"data":{"ts":1}}]`,
	} {
		if fixes, err := simulate.ReadTrack(write(t, "x", content)); !errors.Is(err, track.ErrInvalid) || fixes != nil {
			t.Errorf("%s: got %v, %v", name, fixes, err)
		}
	}
	if _, err := simulate.ReadTrack(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
}

func TestRetimeTo(t *testing.T) {
	unset := time.Unix(17, 0).UTC()
	base := time.Date(2016, 6, 15, 16, 0, 0, 0, time.UTC)
	recorded := []track.Fix{{RecordedAt: unset}, {RecordedAt: base.Add(time.Minute)}, {RecordedAt: base}, {RecordedAt: base.Add(time.Hour)}}
	start := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	var got []time.Time
	for _, f := range simulate.RetimeTo(recorded, start) {
		got = append(got, f.RecordedAt)
	}
	want := []time.Time{unset, start.Add(time.Minute), start, start.Add(time.Hour)}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !recorded[2].RecordedAt.Equal(base) {
		t.Error("the original was changed")
	}
}
