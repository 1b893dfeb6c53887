package track

import "time"

// Fix is one location as a phone measured it. It keeps three times:
// RecordedAt by the phone's clock, ReceivedAt when the journal took it, and
// Seq, its place in the order of the journal. Fixes of one message share a Seq.
//
// Decoders leave Company, Employee, ReceivedAt, Seq and Quality empty: the
// bridge sets them from the journal's record.
type Fix struct {
	Company           string            `json:"company"`
	Employee          string            `json:"employee"`
	Lat               float64           `json:"lat"`
	Lon               float64           `json:"lon"`
	AccuracyM         Optional[float64] `json:"accuracy_m,omitzero"`
	AltitudeM         Optional[float64] `json:"altitude_m,omitzero"`
	VerticalAccuracyM Optional[float64] `json:"vertical_accuracy_m,omitzero"`
	SpeedMPS          Optional[float64] `json:"speed_mps,omitzero"`
	CourseDeg         Optional[float64] `json:"course_deg,omitzero"`
	BatteryPct        Optional[int]     `json:"battery_pct,omitzero"`
	Charging          Optional[bool]    `json:"charging,omitzero"`
	Mock              Optional[bool]    `json:"mock,omitzero"`
	Trigger           string            `json:"trigger,omitempty"`
	Network           Network           `json:"network,omitempty"`
	RecordedAt        time.Time         `json:"recorded_at"`
	ReceivedAt        time.Time         `json:"received_at"`
	Seq               uint64            `json:"seq"`
	Quality           Marks             `json:"quality"`
}

// Network is how the phone was connected when it built the message.
type Network string

// The networks that phones tell apart. NetworkOffline marks a fix that was
// queued on the phone.
const (
	NetworkWiFi    Network = "wifi"
	NetworkMobile  Network = "mobile"
	NetworkOffline Network = "offline"
)
