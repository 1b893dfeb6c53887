package crowd

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"fieldcast/track"
)

// mostExamples is how many offenders a verdict shows of each kind.
const mostExamples = 5

// Verdict is the outcome of comparing a ledger with what is stored.
type Verdict struct {
	Published int
	Acked     int
	Stored    int

	Lost       int // acknowledged, and not stored
	Twice      int // stored more than once; each time beyond the first counts
	Foreign    int // stored, and never sent
	OutOfOrder int // stored with a lower sequence number than an older fix of the same phone

	// Unacked is how many were stored and not acknowledged: those on their way
	// when a connection ended. That is allowed.
	Unacked int

	// Examples are the first few offenders, in words.
	Examples []string
}

// Err returns nil if nothing acknowledged is lost, nothing is stored twice or
// out of nowhere, and the order is right.
func (v Verdict) Err() error {
	if v.Lost+v.Twice+v.Foreign+v.OutOfOrder == 0 {
		return nil
	}
	return errors.New(v.String())
}

// String says it in words.
func (v Verdict) String() string {
	s := fmt.Sprintf("%d published, %d acknowledged, %d stored (%d of them not acknowledged): "+
		"%d lost, %d stored twice, %d never sent, %d out of order",
		v.Published, v.Acked, v.Stored, v.Unacked, v.Lost, v.Twice, v.Foreign, v.OutOfOrder)
	if len(v.Examples) > 0 {
		s += "\n  " + strings.Join(v.Examples, "\n  ")
	}
	return s
}

// Check compares the ledger with what is stored. stored returns all fixes of an
// employee, oldest first, as [track.Ledger] gives them; those of other runs are
// its caller's to leave out. It is an error if two companies have an employee
// of the same name: see [Ledger.CheckCompanies].
func (l *Ledger) Check(stored func(employee string) ([]track.Fix, error)) (Verdict, error) {
	company := make(map[string]string, len(l.People))
	for _, p := range l.People {
		if other, ok := company[p.Employee]; ok {
			return Verdict{}, fmt.Errorf("check: %s is in %s and in %s; use CheckCompanies", p.Employee, other, p.Company)
		}
		company[p.Employee] = p.Company
	}
	return l.CheckCompanies(func(_, employee string) ([]track.Fix, error) { return stored(employee) })
}

// CheckCompanies is [Ledger.Check] for a crowd of several companies.
func (l *Ledger) CheckCompanies(stored func(company, employee string) ([]track.Fix, error)) (Verdict, error) {
	v := Verdict{Published: l.Published, Acked: l.Acked}
	for i := range l.People {
		p := &l.People[i]
		fixes, err := stored(p.Company, p.Employee)
		if err != nil {
			return v, fmt.Errorf("check %s of %s: %w", p.Employee, p.Company, err)
		}
		v.person(p, fixes)
	}
	return v, nil
}

// fixKey identifies a fix of a person.
type fixKey struct {
	us       int64
	lat, lon int32
}

func (k fixKey) String() string {
	return fmt.Sprintf("%s at %.7f,%.7f", time.UnixMicro(k.us).UTC().Format("2006-01-02T15:04:05.000Z"), float64(k.lat)/1e7, float64(k.lon)/1e7)
}

// person compares what one person sent and what is stored of them.
func (v *Verdict) person(p *Person, stored []track.Fix) {
	who := p.Company + "/" + p.Employee
	acked := make(map[fixKey]bool, len(p.Fixes))
	for _, f := range p.Fixes {
		acked[fixKey{f.RecordedUS, f.LatE7, f.LonE7}] = f.Acked
	}
	times := make(map[fixKey]int, len(stored))
	var before track.Fix
	for _, f := range stored {
		s := f.Scale()
		k := fixKey{s.RecordedUS, s.LatE7, s.LonE7}
		times[k]++
		wasAcked, sent := acked[k]
		switch {
		case !sent:
			v.offender(&v.Foreign, "never sent: %s, %v", who, k)
		case times[k] > 1:
			v.offender(&v.Twice, "stored %d times: %s, %v", times[k], who, k)
		case !wasAcked:
			v.Unacked++
		}
		v.Stored++
		v.order(p, before, f)
		before = f
	}
	for _, f := range p.Fixes {
		k := fixKey{f.RecordedUS, f.LatE7, f.LonE7}
		if f.Acked && times[k] == 0 {
			v.offender(&v.Lost, "lost: %s, %v, which was acknowledged", who, k)
		}
	}
}

// order compares neighbours. Two phones of one person have no common order, and
// a store need not keep sequence numbers.
func (v *Verdict) order(p *Person, before, f track.Fix) {
	switch {
	case f.RecordedAt.Before(before.RecordedAt):
		v.offender(&v.OutOfOrder, "out of order: %s/%s, %v is given behind %v", p.Company, p.Employee,
			f.RecordedAt.UTC(), before.RecordedAt.UTC())
	case p.Phones == 1 && f.Seq != 0 && f.Seq < before.Seq:
		v.offender(&v.OutOfOrder, "out of order: %s/%s, the fix of %v has seq %d, an older one %d", p.Company, p.Employee,
			f.RecordedAt.UTC(), f.Seq, before.Seq)
	}
}

// offender counts one, and describes the first few of its kind.
func (v *Verdict) offender(count *int, format string, args ...any) {
	if *count++; *count <= mostExamples {
		v.Examples = append(v.Examples, fmt.Sprintf(format, args...))
	}
}
