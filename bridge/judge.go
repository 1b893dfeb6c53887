package bridge

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"fieldcast/journal"
	"fieldcast/payload"
	"fieldcast/track"
)

// person names a person in maps.
type person struct{ company, employee string }

// outcome is what a record of the journal comes to. It never changes once it
// is made, and is shared by both followers.
type outcome struct {
	after  uint64 // the record before; there is none between
	record journal.Record
	fixes  []track.Fix // judged and rounded
	// position is the person's last-known position after this record; nil if
	// the record did not move it.
	position *track.Position
	rejected []track.Rejection
	reasons  map[track.Reason]int // how many of each, those that were summed up included
	reports  []track.Report
	ignored  int
	stray    bool   // the record is nobody's: see judge.apply
	crash    string // what the decoder died of
}

// rows is how much the outcome gives the database to write.
func (o *outcome) rows() int { return len(o.fixes) + len(o.rejected) + len(o.reports) }

// judge turns records into outcomes. It is a function of the records in their
// order and of the positions that it was made with, and of nothing else: a
// replay comes to the same. Not safe for concurrent use.
type judge struct {
	limits track.Limits
	decode func(leaf string, body []byte) payload.Message
	people map[person]*track.Position // last-known; the values never change
}

// maxRejections is how many parts of one message are kept one by one. A message
// may hold thousands, and every one would be a row and an event: the last that
// is kept tells how many more there were.
const maxRejections = 16

// apply returns what r comes to, and learns from it.
func (j *judge) apply(after uint64, r journal.Record) *outcome {
	r.ReceivedAt = time.UnixMicro(r.ReceivedAt.UnixMicro()).UTC() // as the database gives it back
	o := &outcome{after: after, record: r}
	defer func() { o.record.Payload = nil }() // what an outcome keeps of it are copies: it lives longer
	if r.Kind == journal.Started {
		return o
	}
	if track.CheckCompany(r.Company) != nil || track.CheckEmployee(r.Employee) != nil {
		// The broker writes the identity that it has proved, so this is not a
		// phone's doing, and there is no company that could be shown it.
		o.stray = true
		o.reject(track.ReasonBadTopic, "the message came without the name of a person", r.Payload, r.Size)
		return o
	}
	switch {
	case r.Kind != journal.Message:
	case r.Rejected != "":
		o.reject(track.Reason(r.Rejected), refusal(r), r.Payload, r.Size)
	default:
		j.message(o)
	}
	return o
}

// adopt learns from an outcome that another judge came to.
func (j *judge) adopt(o *outcome) {
	if o.position != nil {
		j.people[person{o.record.Company, o.record.Employee}] = o.position
	}
}

func (j *judge) message(o *outcome) {
	r := &o.record
	topic, _ := track.ParseTopic(r.Topic) // without a leaf the payload reads the same
	m := j.read(o, topic.Leaf)
	o.ignored = m.Ignored
	for _, p := range m.Problems {
		o.reject(p.Reason, p.Detail, p.Body, len(p.Body))
	}
	o.sumUp()
	for _, report := range m.Reports {
		o.reports = append(o.reports, track.Report{
			Company: r.Company, Employee: r.Employee, Kind: report.Kind, Body: bytes.Clone(report.Body),
			ReceivedAt: r.ReceivedAt, Seq: r.Seq,
		})
	}
	o.fixes = m.Fixes
	j.fixes(o)
}

// fixes judges the fixes of one message and finds out whether the person has
// moved.
func (j *judge) fixes(o *outcome) {
	who := person{o.record.Company, o.record.Employee}
	known := j.people[who]
	var last *track.Fix
	if known != nil {
		last = &known.Fix
	}
	moved := false
	for i := range o.fixes {
		f := &o.fixes[i]
		f.Company, f.Employee = who.company, who.employee
		f.ReceivedAt, f.Seq = o.record.ReceivedAt, o.record.Seq
		*f = f.Round()
		f.Quality = j.limits.Judge(*f, last)
		if j.limits.Plausible(*f) && (last == nil || j.limits.Newer(*f, *last)) {
			last, moved = f, true
		}
	}
	if moved {
		o.position = &track.Position{Fix: *last, IntervalS: learnInterval(known, last), Changed: last.Seq}
		j.people[who] = o.position
	}
}

// read decodes, and survives a decoder that does not: a record that crashed
// the process would crash it again at every start.
func (j *judge) read(o *outcome, leaf string) (m payload.Message) {
	defer func() {
		if v := recover(); v != nil {
			o.crash = fmt.Sprintf("%v\n%s", v, debug.Stack())
			m = payload.Message{Problems: []payload.Problem{{
				Reason: track.ReasonBadField,
				Detail: "the server failed to read this message; the operator finds the cause in its log",
				Body:   o.record.Payload,
			}}}
		}
	}()
	return j.decode(leaf, o.record.Payload)
}

// reject adds a rejection to the outcome. Body is copied, because it may be a
// small part of a large payload.
func (o *outcome) reject(reason track.Reason, detail string, body []byte, size int) {
	if o.reasons == nil {
		o.reasons = make(map[track.Reason]int)
	}
	o.reasons[reason]++
	if len(o.rejected) >= maxRejections {
		return
	}
	r := &o.record
	o.rejected = append(o.rejected, track.Rejection{
		Company: r.Company, Employee: r.Employee, Topic: printable(r.Topic),
		Reason: reason, Detail: detail,
		Payload: bytes.Clone(body[:min(len(body), track.MaxRejectedPayload)]), Size: size,
		ReceivedAt: r.ReceivedAt, Seq: r.Seq,
	})
}

// sumUp says in the last rejection how many more there are.
func (o *outcome) sumUp() {
	total := 0
	for _, n := range o.reasons {
		total += n
	}
	if more := total - len(o.rejected); more > 0 {
		last := &o.rejected[len(o.rejected)-1]
		last.Detail += fmt.Sprintf(" (and %d more parts of this message could not be read)", more)
	}
}

// refusal explains to people what the broker refused.
func refusal(r journal.Record) string {
	switch track.Reason(r.Rejected) {
	case track.ReasonTooLarge:
		return fmt.Sprintf("the message has %d bytes, more than this server takes", r.Size)
	case track.ReasonBadTopic:
		return fmt.Sprintf("a phone of %s may not write to the topic %q", r.Employee, printable(r.Topic))
	default: // of a newer broker
		return fmt.Sprintf("the message was refused: %s", printable(r.Rejected))
	}
}

// printable makes of what a stranger sent a text that every database takes.
func printable(s string) string {
	if len(s) > track.MaxTopicBytes {
		s = s[:track.MaxTopicBytes]
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '\uFFFD'
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
