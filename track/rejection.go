package track

import "time"

// Rejection is something a phone sent that could not be kept as a fix. It was
// acknowledged (the phone would send it for ever), and is kept with the reason.
type Rejection struct {
	Company    string    `json:"company"`
	Employee   string    `json:"employee"`
	Topic      string    `json:"topic"`
	Reason     Reason    `json:"reason"`  // for machines, and as a metric's label
	Detail     string    `json:"detail"`  // a sentence that a manager understands
	Payload    []byte    `json:"payload"` // as received, cut at [MaxRejectedPayload]
	Size       int       `json:"size"`    // bytes of the payload as received
	ReceivedAt time.Time `json:"received_at"`
	Seq        uint64    `json:"seq"`
}

// MaxRejectedPayload is how many bytes of a rejected payload are kept: enough
// to see what it was.
const MaxRejectedPayload = 4096

// Reason is why something was rejected.
type Reason string

// The reasons.
const (
	ReasonNotJSON     Reason = "not_json"     // neither JSON nor a batch
	ReasonBadBatch    Reason = "bad_batch"    // starts as a batch and cannot be read
	ReasonUnknownType Reason = "unknown_type" // a message type that nobody knows
	ReasonMissing     Reason = "missing"      // a field that a fix needs is not there
	ReasonOutOfRange  Reason = "out_of_range" // a value that cannot be
	ReasonBadField    Reason = "bad_field"    // a needed field of the wrong kind
	ReasonEncrypted   Reason = "encrypted"    // encrypted with a key that the server has not
	ReasonTooLarge    Reason = "too_large"    // payload, or number of fixes, over the limit
	ReasonBadTopic    Reason = "bad_topic"    // a topic that this phone may not write
	ReasonStore       Reason = "store"        // the database refused the row
)

// Report is a message of a phone that is not a fix and is kept as it came:
// a transition, a status, waypoints, steps.
type Report struct {
	Company    string
	Employee   string
	Kind       string // OwnTracks' _type
	Body       []byte // JSON
	ReceivedAt time.Time
	Seq        uint64
}
