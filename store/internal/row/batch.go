package row

import (
	"encoding/json"
	"fmt"

	"fieldcast/track"
)

// Person names an employee.
type Person struct{ Company, Employee string }

// PersonFix is a fix with its person, and what it was made from.
type PersonFix struct {
	Person
	Fix
	From *track.Fix
}

// PersonPosition is a last-known position with its person.
type PersonPosition struct {
	Person
	Fix
	IntervalS track.Optional[float64]
	Changed   int64
	From      *track.Position
}

// PersonReport is a report with its person.
type PersonReport struct {
	Person
	Kind       string
	Body       []byte
	ReceivedUS int64
	Seq        int64
	From       *track.Report
}

// Batch is a [track.Batch] in the form of table rows. What cannot be a row of
// any database has gone to Rejected, and Refused counts it from the end.
type Batch struct {
	After, Through int64
	Fixes          []PersonFix
	Positions      []PersonPosition // one a person: the last of the batch
	Reports        []PersonReport
	Rejected       []track.Rejection
	Refused        []track.Rejection
}

// NewBatch checks b and turns it into rows, or returns [track.ErrInvalid] if
// its cursor cannot be.
func NewBatch(b track.Batch) (*Batch, error) {
	after, err1 := Seq(b.After)
	through, err2 := Seq(b.Through)
	if err1 != nil || err2 != nil || through < after {
		return nil, track.Invalid("batch", "the cursor cannot go from %d to %d", b.After, b.Through)
	}
	out := &Batch{After: after, Through: through, Rejected: b.Rejected, Fixes: make([]PersonFix, 0, len(b.Fixes))}
	for i := range b.Fixes {
		f := &b.Fixes[i]
		r, err := fixOf(f)
		if err != nil {
			out.RefuseFix(f, err)
			continue
		}
		out.Fixes = append(out.Fixes, PersonFix{Person: Person{f.Company, f.Employee}, Fix: r, From: f})
	}
	out.addPositions(b.Positions)
	for i := range b.Reports {
		out.addReport(&b.Reports[i])
	}
	return out, nil
}

func (b *Batch) addPositions(ps []track.Position) {
	last := make(map[Person]int, len(ps))
	for i := range ps {
		p := &ps[i]
		r, err := fixOf(&p.Fix)
		changed, err2 := Seq(p.Changed)
		if err == nil {
			err = err2
		}
		if err != nil {
			b.RefusePosition(p, err)
			continue
		}
		who := Person{p.Company, p.Employee}
		pp := PersonPosition{Person: who, Fix: r, IntervalS: p.IntervalS, Changed: changed, From: p}
		if at, ok := last[who]; ok {
			b.Positions[at] = pp
			continue
		}
		last[who] = len(b.Positions)
		b.Positions = append(b.Positions, pp)
	}
}

func (b *Batch) addReport(r *track.Report) {
	who := Person{r.Company, r.Employee}
	seq, err := Seq(r.Seq)
	if err == nil {
		err = who.check()
	}
	if err != nil {
		b.RefuseReport(r, err)
		return
	}
	body := r.Body
	if body == nil {
		body = []byte{}
	}
	b.Reports = append(b.Reports, PersonReport{
		Person: who, Kind: Text(r.Kind), Body: body, ReceivedUS: r.ReceivedAt.UnixMicro(), Seq: seq, From: r,
	})
}

func fixOf(f *track.Fix) (Fix, error) {
	if err := (Person{f.Company, f.Employee}).check(); err != nil {
		return Fix{}, err
	}
	return FromFix(*f)
}

func (p Person) check() error {
	if err := track.CheckCompany(p.Company); err != nil {
		return err
	}
	return track.CheckEmployee(p.Employee)
}

// RefuseFix keeps a fix that was refused as a rejection.
func (b *Batch) RefuseFix(f *track.Fix, why error) {
	payload, err := json.Marshal(f)
	if err != nil { // NaN, or a year beyond 9999: readable, if not JSON
		payload = fmt.Appendf(nil, "%+v", *f)
	}
	b.refuse("", payload, track.Rejection{
		Company: f.Company, Employee: f.Employee, ReceivedAt: f.ReceivedAt, Seq: f.Seq,
		Detail: fmt.Sprintf("the database refused this fix: %v", why),
	})
}

// RefusePosition keeps a last-known position that was refused as a rejection.
func (b *Batch) RefusePosition(p *track.Position, why error) {
	payload, err := json.Marshal(p)
	if err != nil {
		payload = fmt.Appendf(nil, "%+v", *p)
	}
	b.refuse(track.LeafLast, payload, track.Rejection{
		Company: p.Company, Employee: p.Employee, ReceivedAt: p.ReceivedAt, Seq: max(p.Seq, p.Changed),
		Detail: fmt.Sprintf("the database refused this last-known position: %v", why),
	})
}

// RefuseReport keeps a report that was refused as a rejection.
func (b *Batch) RefuseReport(r *track.Report, why error) {
	b.refuse("", r.Body, track.Rejection{
		Company: r.Company, Employee: r.Employee, ReceivedAt: r.ReceivedAt, Seq: r.Seq,
		Detail: fmt.Sprintf("the database refused this report: %v", why),
	})
}

func (b *Batch) refuse(leaf string, payload []byte, r track.Rejection) {
	r.Topic = track.Topic{Company: r.Company, Employee: r.Employee, Leaf: leaf}.String()
	r.Reason = track.ReasonStore
	r.Size = len(payload)
	r.Payload = payload[:min(len(payload), track.MaxRejectedPayload)]
	b.Refused = append(b.Refused, r)
}

// Rejection is a rejection in the form of a table row.
type Rejection struct {
	Company, Employee, Topic, Reason, Detail string

	Payload    []byte
	Size       int64
	ReceivedUS int64
	Seq        int64
}

// Rejections returns the rows of what was rejected and refused.
func (b *Batch) Rejections() []Rejection {
	rows := make([]Rejection, 0, len(b.Rejected)+len(b.Refused))
	for _, list := range [][]track.Rejection{b.Rejected, b.Refused} {
		for i := range list {
			rows = append(rows, fromRejection(&list[i]))
		}
	}
	return rows
}

// fromRejection never fails: a rejection is the last place that a message can
// go to. A sequence number that no database can hold is kept as the largest.
func fromRejection(r *track.Rejection) Rejection {
	const largest = 1<<63 - 1
	payload := r.Payload[:min(len(r.Payload), track.MaxRejectedPayload)]
	if payload == nil {
		payload = []byte{}
	}
	return Rejection{
		Company: Text(r.Company), Employee: Text(r.Employee), Topic: Text(r.Topic),
		Reason: Text(string(r.Reason)), Detail: Text(r.Detail), Payload: payload,
		Size: int64(r.Size), ReceivedUS: r.ReceivedAt.UnixMicro(), Seq: int64(min(r.Seq, largest)),
	}
}

// ToRejection is the rejection of a row.
func (r Rejection) ToRejection() track.Rejection {
	return track.Rejection{
		Company: r.Company, Employee: r.Employee, Topic: r.Topic, Reason: track.Reason(r.Reason), Detail: r.Detail,
		Payload: r.Payload, Size: int(r.Size), ReceivedAt: Time(r.ReceivedUS), Seq: uint64(r.Seq),
	}
}

// People returns everybody who must be in the directory, each once.
func (b *Batch) People() []Person {
	seen := make(map[Person]bool)
	var people []Person
	add := func(p Person) {
		if !seen[p] {
			seen[p] = true
			people = append(people, p)
		}
	}
	for i := range b.Fixes {
		add(b.Fixes[i].Person)
	}
	for i := range b.Positions {
		add(b.Positions[i].Person)
	}
	for i := range b.Reports {
		add(b.Reports[i].Person)
	}
	return people
}

// Tally is what a batch adds to the counters of a company.
type Tally struct {
	Fixes, Rejected, Seq int64
}

// Tallies returns what the batch adds to each company, without the number of
// fixes, which only the database knows. Companies that cannot be are left out.
func (b *Batch) Tallies(rejected []Rejection) map[string]*Tally {
	tallies := make(map[string]*Tally)
	of := func(company string, seq int64) *Tally {
		t := tallies[company]
		if t == nil {
			t = &Tally{}
			tallies[company] = t
		}
		t.Seq = max(t.Seq, seq)
		return t
	}
	for i := range b.Fixes {
		of(b.Fixes[i].Company, b.Fixes[i].Seq)
	}
	for i := range b.Positions {
		of(b.Positions[i].Company, max(b.Positions[i].Seq, b.Positions[i].Changed))
	}
	for i := range b.Reports {
		of(b.Reports[i].Company, b.Reports[i].Seq)
	}
	for i := range rejected {
		if track.CheckCompany(rejected[i].Company) == nil {
			of(rejected[i].Company, rejected[i].Seq).Rejected++
		}
	}
	return tallies
}
