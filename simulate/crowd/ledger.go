package crowd

import (
	"fmt"
	"slices"
	"time"
)

// Ledger is what a crowd has sent, and what was acknowledged.
type Ledger struct {
	// People are those that sent, in the order of Options.Phones; phones of the
	// same person one after the other.
	People []Person
	// Took is how long they published.
	Took time.Duration

	Published int // fixes, written or not
	Acked     int
	Resent    int // publishes with DUP

	Connects    int // connections that were accepted
	Losses      int // connections that ended without the crowd's wish
	Refusals    int // connections that the server refused
	LastRefusal int // its CONNACK code; 0 if there was none
	StrayAcks   int // acknowledgements of what was not in flight

	// Latency is from writing a publish to its acknowledgement, for the last
	// time that it was written.
	Latency Latency
}

// Latency is a distribution.
type Latency struct {
	P50, P99, P999, Max time.Duration
}

// Person is an employee with what their phones sent.
type Person struct {
	Company, Employee string
	Fixes             []Fix // of each phone in the order that it sent them
	Phones            int
}

// Fix is one that was published.
type Fix struct {
	RecordedUS   int64 // microseconds since 1970
	LatE7, LonE7 int32 // 1e-7 degree
	Acked        bool
}

// newLedger adds up what the phones have; they must have ended.
func newLedger(phones []*phone, took time.Duration) *Ledger {
	l := &Ledger{Took: took}
	place := make(map[[2]string]int, len(phones))
	var micros []uint32
	for _, p := range phones {
		key := [2]string{p.Company, p.Employee}
		i, ok := place[key]
		if !ok {
			i = len(l.People)
			place[key] = i
			l.People = append(l.People, Person{Company: p.Company, Employee: p.Employee})
		}
		person := &l.People[i]
		person.Phones++
		person.Fixes = slices.Grow(person.Fixes, len(p.fixes))
		for _, f := range p.fixes {
			person.Fixes = append(person.Fixes, Fix{RecordedUS: f.at, LatE7: f.lat, LonE7: f.lon, Acked: f.acked})
		}
		l.Published += len(p.fixes)
		l.Acked += len(p.fixes) - len(p.waiting)
		l.Resent += p.tally.resent
		l.Connects += p.tally.connects
		l.Losses += p.tally.losses
		l.Refusals += p.tally.refusals
		l.LastRefusal = max(l.LastRefusal, int(p.tally.lastRefusal))
		l.StrayAcks += p.tally.strayAcks
		micros = append(micros, p.tally.ackMicros...)
	}
	l.Latency = latencyOf(micros)
	return l
}

func latencyOf(micros []uint32) Latency {
	if len(micros) == 0 {
		return Latency{}
	}
	slices.Sort(micros)
	at := func(i int) time.Duration { return time.Duration(micros[i]) * time.Microsecond }
	return Latency{P50: at(len(micros) / 2), P99: at(len(micros) * 99 / 100), P999: at(len(micros) * 999 / 1000), Max: at(len(micros) - 1)}
}

// String says it in two lines.
func (l *Ledger) String() string {
	s := fmt.Sprintf("%d people published %d fixes in %v; %d acknowledged, %d sent again; "+
		"acknowledgement p50 %v, p99 %v, max %v\n%d connections, %d lost, %d refused",
		len(l.People), l.Published, l.Took.Round(time.Millisecond), l.Acked, l.Resent,
		l.Latency.P50, l.Latency.P99, l.Latency.Max, l.Connects, l.Losses, l.Refusals)
	if l.Refusals > 0 {
		s += fmt.Sprintf(" (code %d)", l.LastRefusal)
	}
	return s
}
