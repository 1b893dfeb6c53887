package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"fieldcast/payload"
	"fieldcast/simulate"
	"fieldcast/simulate/crowd"
	"fieldcast/track"
)

// TestRecordedTracks replays real recordings, dirty as they are, through real
// MQTT clients, and compares what REST gives back with the files, fix by fix.
func TestRecordedTracks(t *testing.T) {
	files := traceFiles(t)
	databases(t, func(t *testing.T, database string) {
		s := startServer(t, database)
		phones := crew(t, s, len(files))
		tracks := make([][]track.Fix, len(files))
		var wg sync.WaitGroup
		for i, file := range files {
			var err error
			tracks[i], err = simulate.ReadTrack(file)
			must(t, err)
			wg.Go(func() { replay(t, s, phones[i], tracks[i], i%2 == 1) })
		}
		wg.Wait()
		token := s.token("acme", "manager")
		want := int64(0)
		for _, fixes := range tracks {
			want += int64(len(distinct(fixes)))
		}
		eventually(t, 30*time.Second, fmt.Sprintf("%d fixes are stored", want), func() bool { return s.stats("acme", token).Fixes >= want })
		for i, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) { compare(t, s, token, phones[i].Employee, tracks[i]) })
		}
		if st := s.stats("acme", token); st.Fixes != want || st.Rejected != 0 || st.Employees != int64(len(files)) {
			t.Errorf("stats: got %+v, want %d fixes of %d people, none rejected", st, want, len(files))
		}
	})
}

func traceFiles(t *testing.T) []string {
	t.Helper()
	shared := os.Getenv("FIELDCAST_SHARED")
	if shared == "" {
		shared = "../../shared"
	}
	var files []string
	for _, pattern := range []string{"*.gpx", "*.json"} {
		found, err := filepath.Glob(filepath.Join(shared, "traces", pattern))
		must(t, err)
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Skip("needs recorded tracks: set FIELDCAST_SHARED to a folder that holds traces/")
	}
	return files
}

// replay publishes a track in the order of its file, as single OwnTracks
// messages or as batches, each acknowledged before the next few.
func replay(t *testing.T, s *server, p crowd.Phone, fixes []track.Fix, batches bool) {
	client := connect(t, s, p)
	defer client.Disconnect(250)
	topic := track.Topic{Company: p.Company, Employee: p.Employee}.String()
	publish := func(body []byte) {
		token := client.Publish(topic, 1, false, body)
		if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
			t.Errorf("%s: publish: %v", p.Employee, token.Error())
		}
	}
	if !batches {
		for _, f := range fixes {
			publish(payload.EncodeOwnTracks(f))
		}
		return
	}
	for group := range slices.Chunk(fixes, 50) {
		body, err := payload.EncodeBatch(group)
		if err != nil {
			t.Errorf("%s: %v", p.Employee, err)
			return
		}
		publish(body)
	}
}

func connect(t *testing.T, s *server, p crowd.Phone) mqtt.Client {
	t.Helper()
	o := mqtt.NewClientOptions().AddBroker("tcp://" + s.MQTT).SetClientID(p.ClientID).
		SetUsername(p.Username).SetPassword(p.Password).SetCleanSession(false).SetConnectTimeout(10 * time.Second)
	client := mqtt.NewClient(o)
	if token := client.Connect(); !token.WaitTimeout(15*time.Second) || token.Error() != nil {
		t.Errorf("%s: connect: %v", p.Employee, token.Error())
	}
	return client
}

// distinct removes fixes that were recorded twice.
func distinct(fixes []track.Fix) []track.Fix {
	seen := map[int64]bool{}
	var out []track.Fix
	for _, f := range fixes {
		if d := f.Scale().Digest(); !seen[d] {
			seen[d] = true
			out = append(out, f)
		}
	}
	return out
}

func compare(t *testing.T, s *server, token, employee string, sent []track.Fix) {
	stored := allFixes(t, s, token, "acme", employee)
	if !slices.IsSortedFunc(stored, func(a, b track.Fix) int { return a.RecordedAt.Compare(b.RecordedAt) }) {
		t.Error("not oldest first")
	}
	missing := map[track.Scaled]bool{}
	for _, f := range sent {
		missing[f.Scale()] = true
	}
	for _, f := range stored {
		if !missing[f.Scale()] {
			t.Errorf("stored twice, or never sent: %+v", f)
		}
		delete(missing, f.Scale())
	}
	for m := range missing {
		t.Errorf("not stored: %+v", m)
	}
	var positions struct{ Positions []track.Position }
	s.get("/api/v1/companies/acme/positions", token, &positions)
	want := newest(sent)
	for _, p := range positions.Positions {
		if p.Employee == employee && p.Scale() != want.Scale() {
			t.Errorf("last known: got %+v, want %+v", p.Fix, want)
		}
	}
	if !slices.ContainsFunc(positions.Positions, func(p track.Position) bool { return p.Employee == employee }) {
		t.Error("no last-known position")
	}
}

// newest is the last-known position by the rule in words: the newest fix by a
// clock that was set; one of over 200 m only if the newest good one is more
// than 10 minutes older.
func newest(fixes []track.Fix) (best track.Fix) {
	var good, any track.Fix
	for _, f := range fixes {
		if f.RecordedAt.Year() < 2000 {
			continue
		}
		if f.RecordedAt.After(any.RecordedAt) {
			any = f
		}
		if f.AccuracyM.Or(0) <= 200 && f.RecordedAt.After(good.RecordedAt) {
			good = f
		}
	}
	if any.RecordedAt.Sub(good.RecordedAt) > 10*time.Minute {
		return any
	}
	return good
}

// allFixes reads all pages of a person's fixes.
func allFixes(t testing.TB, s *server, token, company, employee string) []track.Fix {
	t.Helper()
	fixes, err := s.Fixes(company, employee, token)
	must(t, err)
	return fixes
}
