package payload_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"fieldcast/payload"
	"fieldcast/track"
)

// minimal is what every location needs; tests add members to it.
const minimal = `{"_type":"location","lat":51.4,"lon":8.3,"tst":1707470410`

func minimalFix() track.Fix {
	return track.Fix{Lat: 51.4, Lon: 8.3, RecordedAt: time.Unix(1707470410, 0).UTC()}
}

func TestDecodeOptionalMembers(t *testing.T) {
	tests := []struct {
		name    string
		members string
		want    func(f *track.Fix)
	}{
		{"none", ``, func(*track.Fix) {}},
		{"all", `,"acc":8,"alt":920,"vac":3,"vel":36,"cog":120,"batt":81,"bs":1,"conn":"m","t":"u"`, func(f *track.Fix) {
			f.AccuracyM, f.AltitudeM, f.VerticalAccuracyM = track.Some(8.0), track.Some(920.0), track.Some(3.0)
			f.SpeedMPS, f.CourseDeg = track.Some(10.0), track.Some(120.0)
			f.BatteryPct, f.Charging = track.Some(81), track.Some(false)
			f.Network, f.Trigger = track.NetworkMobile, "u"
		}},
		{"minus one", `,"acc":-1,"vac":-1,"vel":-1,"cog":-1,"batt":-1,"bs":-1`, func(*track.Fix) {}},
		{"altitude below the sea", `,"alt":-1`, func(f *track.Fix) { f.AltitudeM = track.Some(-1.0) }},
		{"zeros", `,"acc":0,"alt":0,"vac":0,"vel":0,"cog":0,"batt":0,"bs":0`, func(f *track.Fix) {
			f.AltitudeM, f.VerticalAccuracyM = track.Some(0.0), track.Some(0.0)
			f.SpeedMPS, f.CourseDeg, f.BatteryPct = track.Some(0.0), track.Some(0.0), track.Some(0)
		}},
		{"null", `,"acc":null,"alt":null,"vac":null,"vel":null,"cog":null,"batt":null,"bs":null,"conn":null,"t":null`, func(*track.Fix) {}},
		{"text", `,"acc":"8","vel":"36","batt":"81","bs":"2"`, func(*track.Fix) {}},
		{"booleans", `,"acc":true,"vel":true,"batt":true,"bs":true,"conn":true,"t":true`, func(*track.Fix) {}},
		{"objects", `,"acc":{},"vel":{"lat":1},"batt":{"lat":2,"x":[{}]},"t":{},"conn":["w"]`, func(*track.Fix) {}},
		{"too large", `,"alt":1e9,"vac":1e9,"vel":1e9,"cog":361,"batt":101,"bs":9,"conn":"x"`, func(*track.Fix) {}},
		{"infinite", `,"alt":1e999,"vac":1e999,"vel":1e999,"cog":1e999,"batt":1e999`, func(*track.Fix) {}},
		{"hopeless accuracy stays hopeless", `,"acc":1e999`, func(f *track.Fix) { f.AccuracyM = track.Some(20_037_508.0) }},
		{"battery fraction", `,"batt":80.6`, func(f *track.Fix) { f.BatteryPct = track.Some(81) }},
		{"charging", `,"bs":2`, func(f *track.Fix) { f.Charging = track.Some(true) }},
		{"full", `,"bs":3`, func(f *track.Fix) { f.Charging = track.Some(true) }},
		{"wifi", `,"conn":"w"`, func(f *track.Fix) { f.Network = track.NetworkWiFi }},
		{"offline", `,"conn":"o"`, func(f *track.Fix) { f.Network = track.NetworkOffline }},
		{"long trigger", `,"t":"0123456789abcdefgh"`, func(f *track.Fix) { f.Trigger = "0123456789abcdef" }},
		{"odd trigger", `,"t":"\u0000p\u202e\n"`, func(f *track.Fix) { f.Trigger = "p" }},
		{"network names", `,"SSID":"home","BSSID":"b0:f2:8:45:94:33","ssid":"x"`, func(*track.Fix) {}},
		{"later member wins", `,"batt":1,"batt":2`, func(f *track.Fix) { f.BatteryPct = track.Some(2) }},
		{"escaped key", `,"\u0062att":3`, func(f *track.Fix) { f.BatteryPct = track.Some(3) }},
		{"brackets in text", `,"desc":"}]{[\"\\","batt":4`, func(f *track.Fix) { f.BatteryPct = track.Some(4) }},
		{"nested twins", `,"x":{"batt":9,"lat":0},"batt":5`, func(f *track.Fix) { f.BatteryPct = track.Some(5) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := minimalFix()
			tt.want(&want)
			m := payload.Decode("", []byte(minimal+tt.members+"}"))
			if len(m.Problems) != 0 || len(m.Fixes) != 1 {
				t.Fatalf("got %+v", m)
			}
			if got := m.Fixes[0]; !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestDecodeTime(t *testing.T) {
	tests := []struct {
		tst  string
		want string // RFC 3339, or the problem
	}{
		{`1707470410`, "2024-02-09T09:20:10Z"},
		{`"1707470410"`, "2024-02-09T09:20:10Z"},
		{`1707470410.25`, "2024-02-09T09:20:10.25Z"},
		{`"1707470410.25"`, "2024-02-09T09:20:10.25Z"},
		{`1.70747041e9`, "2024-02-09T09:20:10Z"},
		{`0`, "1970-01-01T00:00:00Z"},
		{`253402300799`, "9999-12-31T23:59:59Z"},
		{`253402300799.9999999`, "time 253402300799.9999999, in seconds since 1970, is not between the years 1970 and 9999"},
		{`253402300800`, "time 253402300800, in seconds since 1970, is not between the years 1970 and 9999"},
		{`1707470410000`, "time 1707470410000, in seconds since 1970, is not between the years 1970 and 9999"},
		{`-1`, "time -1, in seconds since 1970, is not between the years 1970 and 9999"},
		{`1e999`, "time 1e999, in seconds since 1970, is not between the years 1970 and 9999"},
		{`""`, `time "" is not a number of seconds since 1970`},
		{`"NaN"`, `time "NaN" is not a number of seconds since 1970`},
		{`"0x10"`, `time "0x10" is not a number of seconds since 1970`},
		{`"2024-02-09T09:20:10Z"`, `time "2024-02-09T09:20:10Z" is not a number of seconds since 1970`},
		{`true`, "time true is not a number of seconds since 1970"},
		{`null`, "time is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.tst, func(t *testing.T) {
			m := payload.Decode("", []byte(`{"_type":"location","lat":1,"lon":2,"tst":`+tt.tst+`}`))
			var got string
			if len(m.Fixes) == 1 {
				got = m.Fixes[0].RecordedAt.Format(time.RFC3339Nano)
				if m.Fixes[0].RecordedAt.Location() != time.UTC {
					t.Error("the time is not UTC")
				}
			} else {
				got = m.Problems[0].Detail
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestDecodeProblems(t *testing.T) {
	tests := []struct {
		name, leaf, body string
		reason           track.Reason
		detail           string
	}{
		{"north of the pole", "", `{"_type":"location","lat":91,"lon":2,"tst":3}`, track.ReasonOutOfRange, "latitude 91 is not between -90 and 90"},
		{"west of the west", "", `{"_type":"location","lat":1,"lon":-180.1,"tst":3}`, track.ReasonOutOfRange, "longitude -180.1 is not between -180 and 180"},
		{"infinite", "", `{"_type":"location","lat":1e999,"lon":2,"tst":3}`, track.ReasonOutOfRange, "latitude 1e999 is not between -90 and 90"},
		{"latitude as text", "", `{"_type":"location","lat":"1","lon":2,"tst":3}`, track.ReasonBadField, `latitude "1" is not a number`},
		{"longitude null", "", `{"_type":"location","lat":1,"lon":null,"tst":3}`, track.ReasonMissing, "longitude is missing"},
		{"empty location", "", `{"_type":"location"}`, track.ReasonMissing, "latitude is missing"},
		{"long value", "", `{"_type":"location","lat":"` + strings.Repeat("é", 99) + `","lon":2,"tst":3}`, track.ReasonBadField, `latitude "` + strings.Repeat("é", 39) + `… is not a number`},
		{"value that plays tricks", "", "{\"_type\":\"location\",\"lat\":\"\u202e\xff\",\"lon\":2,\"tst\":3}", track.ReasonBadField, `latitude "??" is not a number`},
		{"no type", "", `{"some":"thing"}`, track.ReasonUnknownType, "the message has no _type"},
		{"type null", "", `{"_type":null}`, track.ReasonUnknownType, "the message has no _type"},
		{"unknown type", "event", `{"_type":"teleport"}`, track.ReasonUnknownType, `message type "teleport" on /event is not known`},
		{"type of wrong type", "", `{"_type":[1]}`, track.ReasonUnknownType, "message type [1] is not known"},
		{"number", "", `42`, track.ReasonUnknownType, "42 is not a message: a JSON object is expected"},
		{"encrypted", "", `{"_type":"encrypted","data":"x"}`, track.ReasonEncrypted, "the message is encrypted, and the server has no key: remove the encryption key in the app's settings"},
		{"text", "", "not JSON", track.ReasonNotJSON, "not JSON is neither JSON nor a batch"},
		{"cut off", "", minimal, track.ReasonNotJSON, minimal[:40] + "… is neither JSON nor a batch"},
		{"two messages", "", `{"_type":"lwt"}{"_type":"lwt"}`, track.ReasonNotJSON, `{"_type":"lwt"}{"_type":"lwt"} is neither JSON nor a batch`},
		{"NaN", "", `{"_type":"location","lat":NaN}`, track.ReasonNotJSON, `{"_type":"location","lat":NaN} is neither JSON nor a batch`},
		{"blank", "", " \n", track.ReasonNotJSON, "the message is blank"},
		{"empty list", "", "[ ]", track.ReasonMissing, "the list of messages is empty"},
		{"nested lists", "", "[[]]", track.ReasonUnknownType, "[] is not a message: a JSON object is expected"},
		{"deep", "", strings.Repeat("[", 33) + strings.Repeat("]", 33), track.ReasonTooLarge, "the message is nested more than 32 levels deep"},
		{"deeper", "", strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), track.ReasonNotJSON, strings.Repeat("[", 40) + "… is neither JSON nor a batch"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := payload.Decode(tt.leaf, []byte(tt.body))
			if len(m.Problems) != 1 || len(m.Fixes)+len(m.Reports)+m.Ignored > 0 {
				t.Fatalf("got %+v", m)
			}
			p := m.Problems[0]
			if p.Reason != tt.reason || p.Detail != tt.detail {
				t.Errorf("got  %s: %s\nwant %s: %s", p.Reason, p.Detail, tt.reason, tt.detail)
			}
			if !strings.Contains(tt.body, string(p.Body)) || len(p.Body) == 0 {
				t.Errorf("body %.60q is no part of the payload", p.Body)
			}
			if err := m.Err(); !errors.Is(err, track.ErrInvalid) || !strings.Contains(err.Error(), tt.detail) {
				t.Errorf("Err() = %v", err)
			}
		})
	}
}

func TestDecodeKinds(t *testing.T) {
	for _, kind := range []string{"status", "waypoint", "waypoints", "steps", "beacon", "request", "configuration", "card", "dump"} {
		body := `{"_type":"` + kind + `","lat":1,"lon":2,"tst":3, "x": [1, "y"]}`
		m := payload.Decode("", []byte(body))
		want := payload.Message{Format: payload.FormatOwnTracks, Reports: []payload.Report{{Kind: kind, Body: []byte(body)}}}
		if !reflect.DeepEqual(m, want) {
			t.Errorf("%s: got %+v, want %+v", kind, m, want)
		}
	}
	for _, body := range []string{``, `{"_type":"lwt","tst":"1440363922"}`, `{"_type":"cmd","action":"status"}`} {
		if m := payload.Decode("", []byte(body)); m.Ignored != 1 || len(m.Fixes)+len(m.Reports)+len(m.Problems) > 0 || m.Err() != nil {
			t.Errorf("%s: got %+v", body, m)
		}
	}
}

func TestDecodeTransition(t *testing.T) {
	body := `{"_type":"transition","event":"leave","desc":"depot","lat":51.4,"lon":8.3,"tst":1707470410,"t":"c","acc":5}`
	m := payload.Decode("event", []byte(body))
	want := minimalFix()
	want.Trigger, want.AccuracyM = "c", track.Some(5.0)
	if len(m.Reports) != 1 || m.Reports[0].Kind != "transition" || string(m.Reports[0].Body) != body {
		t.Errorf("reports: %+v", m.Reports)
	}
	if len(m.Fixes) != 1 || !reflect.DeepEqual(m.Fixes[0], want) {
		t.Errorf("fixes: %+v", m.Fixes)
	}

	m = payload.Decode("event", []byte(`{"_type":"transition","event":"enter","desc":"beacon","tst":1}`))
	if len(m.Reports) != 1 || len(m.Fixes)+len(m.Problems) > 0 {
		t.Errorf("without a place: got %+v", m)
	}

	m = payload.Decode("event", []byte(`{"_type":"transition","event":"enter","lat":91,"lon":1,"tst":1}`))
	if len(m.Reports) != 1 || len(m.Problems) != 1 || m.Err() != nil {
		t.Errorf("with a bad place: got %+v, %v", m, m.Err())
	}
}

func TestDecodeRedactsReports(t *testing.T) {
	tests := []struct{ body, want string }{
		{`{"_type":"status","SSID":"home","x":1}`, `{"_type":"status","x":1}`},
		{`{"bSsId":"b0", "_type" : "status" }`, `{"_type":"status"}`},
		{`{"_type":"status","\u0053SID":"home"}`, `{"_type":"status"}`},
		{`{"_type":"dump","configuration":{"host":"h","password":"p","encryptionKey":"k"}}`, `{"_type":"dump","configuration":{"host":"h"}}`},
		{`{"_type":"waypoints","waypoints":[{"ssid":{"a":[1]}},[ ],{"desc":"SSID"}]}`, `{"_type":"waypoints","waypoints":[{},[],{"desc":"SSID"}]}`},
	}
	for _, tt := range tests {
		m := payload.Decode("", []byte(tt.body))
		if len(m.Reports) != 1 || string(m.Reports[0].Body) != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.body, m.Reports, tt.want)
		}
	}
}

func TestDecodeList(t *testing.T) {
	good := minimal + "}"
	m := payload.Decode("", []byte(` [`+good+` , {"_type":"location","lat":91} ,7,`+good+`,{"_type":"lwt"},{"_type":"status"}]`))
	if len(m.Fixes) != 2 || len(m.Problems) != 2 || m.Ignored != 1 || len(m.Reports) != 1 || m.Err() != nil {
		t.Fatalf("got %+v, %v", m, m.Err())
	}
	if got, want := string(m.Problems[0].Body), `{"_type":"location","lat":91}`; got != want {
		t.Errorf("first problem: got %q, want %q", got, want)
	}
	if got, want := string(m.Problems[1].Body), `7`; got != want {
		t.Errorf("second problem: got %q, want %q", got, want)
	}
}

func TestDecodeListIsBounded(t *testing.T) {
	one := `{"_type":"lwt"}`
	full := "[" + strings.TrimSuffix(strings.Repeat(one+",", payload.MaxFixes), ",")
	if m := payload.Decode("", []byte(full+"]")); m.Ignored != payload.MaxFixes || len(m.Problems) != 0 {
		t.Errorf("a full list: ignored %d, problems %d", m.Ignored, len(m.Problems))
	}
	m := payload.Decode("", []byte(full+","+one+","+one+"]"))
	if m.Ignored != payload.MaxFixes || len(m.Problems) != 1 || m.Problems[0].Reason != track.ReasonTooLarge {
		t.Fatalf("beyond: ignored %d, problems %+v", m.Ignored, m.Problems)
	}
	if got := string(m.Problems[0].Body); !strings.Contains(got, one+","+one) || len(got) > 40 {
		t.Errorf("the rest is %q", got)
	}
}

func TestErrCountsProblems(t *testing.T) {
	err := payload.Decode("", []byte(`[1,2,3]`)).Err()
	if want := "invalid payload: 1 is not a message: a JSON object is expected (and 2 more)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestEncodeOwnTracks(t *testing.T) {
	f := minimalFix()
	if got, want := string(payload.EncodeOwnTracks(f)), `{"_type":"location","lat":51.4,"lon":8.3,"tst":1707470410}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	f.RecordedAt = f.RecordedAt.Add(1500 * time.Microsecond)
	f.AccuracyM, f.AltitudeM, f.VerticalAccuracyM = track.Some(8.5), track.Some(-3.0), track.Some(0.0)
	f.SpeedMPS, f.CourseDeg = track.Some(4.2), track.Some(359.9)
	f.BatteryPct, f.Charging = track.Some(81), track.Some(true)
	f.Network, f.Trigger = track.NetworkOffline, `"`
	got := string(payload.EncodeOwnTracks(f))
	want := `{"_type":"location","lat":51.4,"lon":8.3,"tst":1707470410.0015,"acc":8.5,"alt":-3,"vac":0,"vel":15.12,"cog":359.9,"batt":81,"bs":2,"conn":"o","t":"\""}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	m := payload.Decode("", []byte(got))
	if len(m.Fixes) != 1 || !reflect.DeepEqual(m.Fixes[0].Round(), f.Round()) { // km/h are not exact
		t.Errorf("read back %+v, want %+v", m.Fixes, f)
	}
}

func ExampleDecode() {
	m := payload.Decode("", []byte(`[
		{"_type":"location","lat":12.97162,"lon":77.59456,"tst":1795428000,"vel":36,"batt":81},
		{"_type":"location","lat":91,"lon":77.59456,"tst":1795428030}]`))
	for _, f := range m.Fixes {
		fmt.Println(f.Lat, f.Lon, f.RecordedAt.Format(time.RFC3339), f.SpeedMPS.Value, "m/s", f.BatteryPct.Value, "%")
	}
	for _, p := range m.Problems {
		fmt.Println(p.Reason+":", p.Detail)
	}
	// Output:
	// 12.97162 77.59456 2026-11-23T10:00:00Z 10 m/s 81 %
	// out_of_range: latitude 91 is not between -90 and 90
}

func ExampleEncodeOwnTracks() {
	fmt.Printf("%s\n", payload.EncodeOwnTracks(track.Fix{
		Lat: 12.97162, Lon: 77.59456, RecordedAt: time.Unix(1795428000, 0), SpeedMPS: track.Some(10.0), Trigger: "t",
	}))
	// Output:
	// {"_type":"location","lat":12.97162,"lon":77.59456,"tst":1795428000,"vel":36,"t":"t"}
}
