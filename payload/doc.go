// Package payload turns what phones publish into fixes. [Decode] takes any
// payload of a phone's topics and returns a [Message]: the fixes in it, the
// reports that are kept as they came, and a [Problem] for everything that
// could not be read. It is pure: no I/O, no state, safe for concurrent use.
//
//	m := payload.Decode(topic.Leaf, body)
//	for _, fix := range m.Fixes { … }
//	for _, p := range m.Problems { … } // p.Detail is a sentence for people
//
// # Formats
//
// They are told apart by the first byte.
//
//   - OwnTracks JSON: one message, or an array of messages, as described at
//     https://owntracks.org/booklet/tech/json/. A location becomes a fix, a
//     transition a fix and a report, everything else a report. [EncodeOwnTracks]
//     writes a location.
//   - The Fieldcast batch: many fixes as protobuf columns, described in
//     fieldcast.proto. [EncodeBatch] writes it, [Precision] makes it small.
//
// # What is believed
//
// A fix needs a latitude, a longitude and a time that can be; without them it
// is a [Problem]. Any other field that is absent, of the wrong type or out of
// range is unknown: a wrong value is never made up. Names of Wi-Fi networks are
// personal and secrets of a phone's configuration are secret: neither is kept.
package payload

//go:generate protoc --go_out=internal/wire --go_opt=paths=source_relative fieldcast.proto
