package payload

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"fieldcast/payload/internal/wire"
	"fieldcast/track"
)

// batchMark is the first byte of a batch: field 1, a varint. No JSON text
// starts with it.
const batchMark = 0x08

// batchVersion is the value of that field.
const batchVersion = 1

// maxBatchBytes bounds a batch before it is taken apart: MaxFixes with all
// columns take less.
const maxBatchBytes = 1 << 20

// Units of the columns: steps in one degree, metre, metre a second.
const (
	perDegree  = 1e7
	perMetre   = 10
	perMPS     = 100
	perHeading = 10 // course, in a degree
)

// The numbers of the networks on the wire.
var networks = [...]track.Network{1: track.NetworkWiFi, 2: track.NetworkMobile, 3: track.NetworkOffline}

// columns are the decoded columns of a batch.
type columns struct {
	recordedAt, lat, lon, accuracy, altitude, verticalAccuracy, speed, course,
	battery, charging, mock, network, trigger column
	triggers []string
}

func decodeBatch(body []byte) Message {
	var m Message
	cols, count, p := openBatch(body)
	if p != nil {
		p.Body = body
		m.problem(p)
		return m
	}
	m.Format = FormatBatch
	m.Fixes = make([]track.Fix, 0, count)
	for row := range count {
		m.row(cols, row)
	}
	return m
}

// openBatch checks everything that the rows depend on.
func openBatch(body []byte) (cols *columns, count int, p *Problem) {
	if len(body) > maxBatchBytes {
		return nil, 0, &Problem{
			Reason: track.ReasonTooLarge,
			Detail: fmt.Sprintf("the batch has %d bytes, more than %d", len(body), maxBatchBytes),
		}
	}
	var b wire.Batch
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, &b); err != nil {
		return nil, 0, badBatch("the batch is damaged or not complete: it is not protobuf")
	}
	switch {
	case b.Version != batchVersion:
		return nil, 0, badBatch("the batch has version %d; this server reads version %d", b.Version, batchVersion)
	case b.Count == 0:
		return nil, 0, badBatch("the batch holds no fixes")
	case b.Count > MaxFixes:
		return nil, 0, &Problem{
			Reason: track.ReasonTooLarge,
			Detail: fmt.Sprintf("the batch holds %d fixes, more than %d", b.Count, MaxFixes),
		}
	}
	count = int(b.Count)
	if p := checkRequired(&b, count); p != nil {
		return nil, 0, p
	}
	cols, p = unpackAll(&b, count)
	return cols, count, p
}

func badBatch(format string, args ...any) *Problem {
	return &Problem{Reason: track.ReasonBadBatch, Detail: fmt.Sprintf(format, args...)}
}

// checkRequired makes sure that each fix costs at least a byte before anything
// is allocated for it, and that time and place are there.
func checkRequired(b *wire.Batch, count int) *Problem {
	required := []struct {
		name string
		w    *wire.Column
	}{{"recorded_at", b.RecordedAt}, {"lat", b.Lat}, {"lon", b.Lon}}
	for _, r := range required {
		if r.w == nil {
			return badBatch("the batch has no column %s", r.name)
		}
		if len(r.w.Known) > 0 {
			return badBatch("the column %s of the batch does not know every row", r.name)
		}
	}
	if at := b.RecordedAt; len(at.Delta) != count-1 || len(at.Run) > 0 {
		return badBatch("the column recorded_at of the batch has not one value for each of %d fixes", count)
	}
	return nil
}

func unpackAll(b *wire.Batch, count int) (*columns, *Problem) {
	c := &columns{triggers: b.Triggers}
	all := []struct {
		name string
		w    *wire.Column
		to   *column
	}{
		{"recorded_at", b.RecordedAt, &c.recordedAt},
		{"lat", b.Lat, &c.lat},
		{"lon", b.Lon, &c.lon},
		{"accuracy", b.Accuracy, &c.accuracy},
		{"altitude", b.Altitude, &c.altitude},
		{"vertical_accuracy", b.VerticalAccuracy, &c.verticalAccuracy},
		{"speed", b.Speed, &c.speed},
		{"course", b.Course, &c.course},
		{"battery", b.Battery, &c.battery},
		{"charging", b.Charging, &c.charging},
		{"mock", b.Mock, &c.mock},
		{"network", b.Network, &c.network},
		{"trigger", b.Trigger, &c.trigger},
	}
	for _, part := range all {
		var err error
		if *part.to, err = unpack(part.w, count); err != nil {
			return nil, badBatch("the column %s of the batch %v", part.name, err)
		}
	}
	return c, nil
}

// row adds the fix of one row, or the problem with it.
func (m *Message) row(c *columns, row int) {
	us, _ := c.recordedAt.integer(row)
	lat, _ := c.lat.at(row, perDegree)
	lon, _ := c.lon.at(row, perDegree)
	var p *Problem
	switch {
	case !inRange(lat, -maxLat, maxLat):
		p = outside("latitude", fmt.Sprint(lat), maxLat)
	case !inRange(lon, -maxLon, maxLon):
		p = outside("longitude", fmt.Sprint(lon), maxLon)
	case us < 0 || us >= endOfTimeUS:
		p = &Problem{
			Reason: track.ReasonOutOfRange,
			Detail: fmt.Sprintf("time %d, in microseconds since 1970, is not between the years 1970 and 9999", us),
		}
	}
	if p != nil {
		p.Detail = fmt.Sprintf("fix %d of the batch: %s", row+1, p.Detail)
		p.Body = fmt.Appendf(nil, `{"fix":%d,"recorded_at_us":%d,"lat":%g,"lon":%g}`, row+1, us, lat, lon)
		m.problem(p)
		return
	}
	f := track.Fix{Lat: lat, Lon: lon, RecordedAt: time.UnixMicro(us).UTC()}
	c.measurements(&f, row)
	c.phone(&f, row)
	m.Fixes = append(m.Fixes, f)
}

func (c *columns) measurements(f *track.Fix, row int) {
	if v, ok := c.accuracy.at(row, perMetre); ok {
		f.AccuracyM = accuracy(v)
	}
	if v, ok := c.altitude.at(row, perMetre); ok {
		f.AltitudeM = altitude(v)
	}
	if v, ok := c.verticalAccuracy.at(row, perMetre); ok {
		f.VerticalAccuracyM = verticalAccuracy(v)
	}
	if v, ok := c.speed.at(row, perMPS); ok {
		f.SpeedMPS = speed(v)
	}
	if n, ok := c.course.integer(row); ok {
		f.CourseDeg = course(float64(turn(n)) / perHeading)
	}
}

// fullTurn is the circle in units of the column course.
const fullTurn = 360 * perHeading

// turn brings a course that has gone round the circle back to one turn. 360°
// stays, because some phones send it.
func turn(n int64) int64 {
	if n >= 0 && n <= fullTurn {
		return n
	}
	return ((n % fullTurn) + fullTurn) % fullTurn
}

// phone reads the state of the phone itself.
func (c *columns) phone(f *track.Fix, row int) {
	if v, ok := c.battery.at(row, 1); ok {
		f.BatteryPct = battery(v)
	}
	f.Charging = c.charging.truth(row)
	f.Mock = c.mock.truth(row)
	if n, ok := c.network.integer(row); ok && n > 0 && n < int64(len(networks)) {
		f.Network = networks[n]
	}
	if n, ok := c.trigger.integer(row); ok && n >= 0 && n < int64(len(c.triggers)) {
		f.Trigger = trigger([]byte(c.triggers[n]))
	}
}

// truth reads 0 and 1; anything else is unknown.
func (c column) truth(row int) track.Optional[bool] {
	n, ok := c.integer(row)
	if !ok || n < 0 || n > 1 {
		return track.Optional[bool]{}
	}
	return track.Some(n == 1)
}
