package payload

import (
	"bytes"
	"encoding/json"
	"fmt"

	"fieldcast/track"
)

// reported are the message types that are kept as they came.
var reported = map[string]bool{
	"transition": true, "status": true, "waypoint": true, "waypoints": true, "steps": true, "beacon": true,
	"request": true, "configuration": true, "card": true, "dump": true,
}

// decodeOwnTracks reads one message or an array of them.
func decodeOwnTracks(leaf string, body []byte) Message {
	var m Message
	switch {
	case !json.Valid(body):
		m.problem(&Problem{Reason: track.ReasonNotJSON, Detail: notJSON(body), Body: body})
		return m
	case tooDeep(body):
		m.problem(&Problem{
			Reason: track.ReasonTooLarge,
			Detail: fmt.Sprintf("the message is nested more than %d levels deep", maxDepth), Body: body,
		})
		return m
	}
	m.Format = FormatOwnTracks
	if first := body[space(body, 0)]; first == '[' {
		m.array(leaf, body)
	} else {
		m.object(leaf, body)
	}
	return m
}

func notJSON(body []byte) string {
	if len(bytes.TrimSpace(body)) == 0 {
		return "the message is blank"
	}
	return fmt.Sprintf("%s is neither JSON nor a batch", show(bytes.TrimSpace(body)))
}

func (m *Message) array(leaf string, body []byte) {
	c := within(body)
	for n := 0; ; n++ {
		c.i = space(c.b, c.i)
		start := c.i
		value, ok := c.element()
		switch {
		case !ok && n == 0:
			m.problem(&Problem{Reason: track.ReasonMissing, Detail: "the list of messages is empty", Body: body})
			return
		case !ok:
			return
		case n == MaxFixes:
			m.problem(&Problem{
				Reason: track.ReasonTooLarge,
				Detail: fmt.Sprintf("a list may hold %d messages; those after them were not kept", MaxFixes),
				Body:   body[start:],
			})
			return
		}
		m.object(leaf, value)
	}
}

// object is a message of OwnTracks: the members that are read of any type,
// raw. Absent ones are nil.
type object struct {
	typ, lat, lon, tst, acc, alt, vac, vel, cog, batt, bs, conn, t []byte
}

// parse fills o. Of members that come twice the last one counts, as in
// encoding/json.
func (o *object) parse(body []byte) {
	for c := within(body); ; {
		key, value, ok := c.member()
		if !ok {
			return
		}
		switch string(text(key)) {
		case "_type":
			o.typ = value
		case "lat":
			o.lat = value
		case "lon":
			o.lon = value
		case "tst":
			o.tst = value
		case "acc":
			o.acc = value
		case "alt":
			o.alt = value
		case "vac":
			o.vac = value
		case "vel":
			o.vel = value
		case "cog":
			o.cog = value
		case "batt":
			o.batt = value
		case "bs":
			o.bs = value
		case "conn":
			o.conn = value
		case "t":
			o.t = value
		}
	}
}

// object sorts one message by its type.
func (m *Message) object(leaf string, body []byte) {
	if body[space(body, 0)] != '{' {
		m.problem(&Problem{
			Reason: track.ReasonUnknownType,
			Detail: fmt.Sprintf("%s is not a message: a JSON object is expected", show(bytes.TrimSpace(body))), Body: body,
		})
		return
	}
	var o object
	o.parse(body)
	kind, _ := stringValue(o.typ)
	switch string(kind) {
	case "location":
		m.location(&o, body)
	case "transition":
		m.Reports = append(m.Reports, Report{Kind: "transition", Body: redact(body)})
		// Beacons have no place; the report says all there is.
		if !absent(o.lat) || !absent(o.lon) {
			m.location(&o, body)
		}
	case "lwt", "cmd":
		m.Ignored++
	case "encrypted":
		m.problem(&Problem{
			Reason: track.ReasonEncrypted,
			Detail: "the message is encrypted, and the server has no key: remove the encryption key in the app's settings", Body: body,
		})
	default:
		if reported[string(kind)] {
			m.Reports = append(m.Reports, Report{Kind: string(kind), Body: redact(body)})
			return
		}
		m.problem(&Problem{Reason: track.ReasonUnknownType, Detail: unknownType(leaf, o.typ), Body: body})
	}
}

func unknownType(leaf string, raw []byte) string {
	where := ""
	if leaf != track.LeafBase {
		where = " on /" + show([]byte(leaf))
	}
	if absent(raw) {
		return "the message" + where + " has no _type"
	}
	return fmt.Sprintf("message type %s%s is not known", show(raw), where)
}

// location adds the fix that o holds, or the problem with it.
func (m *Message) location(o *object, body []byte) {
	var f track.Fix
	p := o.place(&f)
	if p != nil {
		p.Body = body
		m.problem(p)
		return
	}
	o.measurements(&f)
	o.phone(&f)
	m.Fixes = append(m.Fixes, f)
}

// place reads what a fix needs.
func (o *object) place(f *track.Fix) (p *Problem) {
	if f.Lat, p = coordinate("latitude", o.lat, maxLat); p != nil {
		return p
	}
	if f.Lon, p = coordinate("longitude", o.lon, maxLon); p != nil {
		return p
	}
	f.RecordedAt, p = moment(o.tst)
	return p
}

// kmhPerMPS is a metre a second in kilometres an hour.
const kmhPerMPS = 3.6

func (o *object) measurements(f *track.Fix) {
	if v, ok := number(o.acc); ok {
		f.AccuracyM = accuracy(v)
	}
	if v, ok := number(o.alt); ok {
		f.AltitudeM = altitude(v)
	}
	if v, ok := number(o.vac); ok {
		f.VerticalAccuracyM = verticalAccuracy(v)
	}
	if v, ok := number(o.vel); ok {
		f.SpeedMPS = speed(v / kmhPerMPS)
	}
	if v, ok := number(o.cog); ok {
		f.CourseDeg = course(v)
	}
}

// phone reads the state of the phone itself.
func (o *object) phone(f *track.Fix) {
	if v, ok := number(o.batt); ok {
		f.BatteryPct = battery(v)
	}
	switch string(o.bs) { // 1 unplugged, 2 charging, 3 full, 0 unknown
	case "1":
		f.Charging = track.Some(false)
	case "2", "3":
		f.Charging = track.Some(true)
	}
	switch string(o.conn) {
	case `"w"`:
		f.Network = track.NetworkWiFi
	case `"m"`:
		f.Network = track.NetworkMobile
	case `"o"`:
		f.Network = track.NetworkOffline
	}
	if t, ok := stringValue(o.t); ok {
		f.Trigger = trigger(t)
	}
}
