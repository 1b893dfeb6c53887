package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"fieldcast/track"
)

// positions is the body of the answer.
type positions struct {
	Company   string           `json:"company"`
	Seq       uint64           `json:"seq" doc:"Ask for what changed after this."`
	At        time.Time        `json:"at" doc:"The server's clock."`
	Complete  bool             `json:"complete" doc:"True: everybody with a position. False: who changed after the seq that was asked for."`
	Positions []track.Position `json:"positions"`
}

type positionsInput struct {
	Company     string `path:"company"`
	After       string `query:"after" doc:"Only what changed after this seq." example:"9127" pattern:"^[0-9]{0,19}$"`
	Wait        int    `query:"wait" doc:"Seconds to wait until something has changed after that seq. The answer is then a frame, as on the topic _live." minimum:"0" maximum:"50"`
	IfNoneMatch string `header:"If-None-Match"`
}

type positionsOutput struct {
	Status       int
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	ContentType  string `header:"Content-Type"`
	Body         []byte
}

func (s *server) registerPositions(api huma.API) {
	op := operation(http.MethodGet, "/companies/{company}/positions", "positions", "Where everybody is, or who has moved", []int{401, 403, 404, 429})
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[positions](), true, "Positions")
	frame := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[streamFrame](), true, "LiveFrame") // with wait
	op.Responses = map[string]*huma.Response{
		"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{OneOf: []*huma.Schema{schema, frame}}}}},
		"304": {Description: "Nothing has changed"},
	}
	huma.Register(api, op, s.positions)
}

func (s *server) positions(ctx context.Context, in *positionsInput) (*positionsOutput, error) {
	id, err := member(ctx, in.Company, readers...)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	if in.Wait > 0 {
		out, err := s.poll(ctx, id, in)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return out, nil
	}
	out := &positionsOutput{Status: http.StatusOK, CacheControl: "private, no-cache", ContentType: "application/json"}
	if in.After != "" {
		out.Body, err = s.changes(id, in)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return out, nil
	}
	// Integrators may see some only, so theirs is not the shared answer.
	snap, err := s.snapshots.get(s.snapshotKey(id, in.Company), s.People.Seq(in.Company), s.Now(), func() positions {
		return s.everybody(id, in.Company)
	})
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	out.ETag = snap.etag
	if matches(in.IfNoneMatch, snap.etag) {
		out.Status = http.StatusNotModified
		return out, nil
	}
	out.Body = snap.body
	return out, nil
}

func (s *server) changes(id track.Identity, in *positionsInput) ([]byte, error) {
	var after uint64
	if _, err := fmt.Sscan(in.After, &after); err != nil {
		return nil, track.Invalid("after", "%q is not a sequence number", in.After)
	}
	changed, seq, ok := s.People.After(in.Company, after)
	if !ok {
		return json.Marshal(s.everybody(id, in.Company))
	}
	return json.Marshal(positions{
		Company: in.Company, Seq: seq, At: s.Now().UTC(), Positions: visible(id, changed),
	})
}

func (s *server) everybody(id track.Identity, company string) positions {
	// The number first: what changes meanwhile is then asked for again.
	seq := s.People.Seq(company)
	return positions{
		Company: company, Seq: seq, At: s.Now().UTC(), Complete: true,
		Positions: visible(id, s.People.Positions(company)),
	}
}

// visible keeps the people that somebody may see, in a slice that is never nil.
func visible(id track.Identity, all []track.Position) []track.Position {
	if id.Role != track.RoleIntegrator {
		return append([]track.Position{}, all...)
	}
	some := []track.Position{}
	for _, p := range all {
		if maySee(id, p.Company, p.Employee) {
			some = append(some, p)
		}
	}
	return some
}

func (s *server) snapshotKey(id track.Identity, company string) string {
	if id.Role == track.RoleIntegrator {
		return fmt.Sprint(company, " ", id.Topics, " ", id.Rules)
	}
	return company
}

// snapshots keeps the encoded answer of each company for a moment, so that a
// hundred browsers that come back at once cost one encoding.
type snapshots struct {
	mu   sync.Mutex
	kept map[string]*snapshot
}

type snapshot struct {
	once sync.Once
	seq  uint64
	made time.Time
	etag string
	body []byte
	err  error
}

// snapshotAge is how long an answer may be used again: states grow old with
// time, though nothing changes.
const snapshotAge = 2 * time.Second

func (s *snapshots) get(key string, seq uint64, now time.Time, build func() positions) (*snapshot, error) {
	s.mu.Lock()
	snap := s.kept[key]
	if snap == nil || snap.seq != seq || now.Sub(snap.made) >= snapshotAge || now.Before(snap.made) {
		snap = &snapshot{seq: seq, made: now}
		if s.kept == nil || len(s.kept) > 1000 { // integrators' keys could grow without end
			s.kept = map[string]*snapshot{}
		}
		s.kept[key] = snap
	}
	s.mu.Unlock()
	snap.once.Do(func() {
		p := build()
		snap.etag = etag(p)
		snap.body, snap.err = json.Marshal(p)
	})
	return snap, snap.err
}

// etag changes with the data, with names and teams, and with the states that age by
// themselves. It is weak, because the server's clock in the body is not part
// of it.
func etag(p positions) string {
	h := fnv.New64a()
	for _, q := range p.Positions {
		for _, part := range [...]string{q.Employee, q.Name, q.Team, string(q.State)} {
			h.Write([]byte(part)) // never fails
			h.Write([]byte{0})
		}
	}
	return fmt.Sprintf(`W/"%d-%x"`, p.Seq, h.Sum64())
}

// matches implements If-None-Match by weak comparison (RFC 9110, 13.1.2).
func matches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(etag, "W/") {
			return header != ""
		}
	}
	return false
}
