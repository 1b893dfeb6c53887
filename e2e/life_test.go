package e2e_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // to raise the version of a schema by hand

	"fieldcast/payload"
	"fieldcast/simulate/crowd"
	"fieldcast/track"
)

// TestNewerSchema: a database of a newer version is refused in one sentence.
func TestNewerSchema(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		s := startServer(t, database)
		if code := s.stop(); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		const raise = "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)"
		if database == "" {
			db, err := sql.Open("sqlite", filepath.Join(s.Data, "fieldcast.db"))
			must(t, err)
			_, err = db.Exec(raise)
			must(t, err)
			must(t, db.Close())
		} else {
			conn, err := pgx.Connect(context.Background(), database)
			must(t, err)
			_, err = conn.Exec(context.Background(), raise)
			must(t, err)
			must(t, conn.Close(context.Background()))
		}
		before := s.Log.Len()
		s.launch()
		<-s.Exited
		said := strings.TrimSpace(s.Log.Since(before))
		if s.Cmd.ProcessState.ExitCode() != 1 || strings.Count(said, "\n") != 0 || !strings.Contains(said, "newer") {
			t.Errorf("exit code %d, said %q", s.Cmd.ProcessState.ExitCode(), said)
		}
	})
}

// TestLastKnown: a fix delivered 51 times is stored once; one from the future
// cannot freeze a person; one of 1970 never shows; late ones do not move back.
func TestLastKnown(t *testing.T) {
	s := startServer(t, "")
	phones := crew(t, s, 1)
	c := connect(t, s, phones[0])
	defer c.Disconnect(100)
	token := s.token("acme", "manager")
	now := time.Now()
	send := func(lat float64, at time.Time) {
		publish(t, c, "fc/acme/e1", payload.EncodeOwnTracks(track.Fix{Lat: lat, Lon: 7, RecordedAt: at}))
	}
	shown := func() (lat float64) {
		var answer struct{ Positions []track.Position }
		s.get("/api/v1/companies/acme/positions", token, &answer)
		for _, p := range answer.Positions {
			lat = p.Lat
		}
		return lat
	}
	send(1, time.Unix(0, 0))
	for range 51 {
		send(2, now.Add(-time.Hour))
	}
	eventually(t, 10*time.Second, "two fixes are stored", func() bool { return s.stats("acme", token).Fixes == 2 })
	if got := shown(); got != 2 {
		t.Errorf("after 1970 and one of an hour ago: at %v, want 2", got)
	}
	for _, tt := range []struct {
		name string
		lat  float64
		at   time.Time
		want float64
	}{
		{"a late one", 3, now.Add(-2 * time.Hour), 2},
		{"one from the future", 4, now.Add(1000 * time.Hour), 4},
		{"the next honest one", 5, time.Now().Add(time.Second), 5},
		{"1970 again", 6, time.Unix(5, 0), 5},
	} {
		send(tt.lat, tt.at)
		eventually(t, 10*time.Second, fmt.Sprintf("after %s the person is at %v", tt.name, tt.want), func() bool { return shown() == tt.want })
	}
	eventually(t, 10*time.Second, "all are stored, and nothing twice", func() bool { return s.stats("acme", token).Fixes == 6 })
}

// TestPresence: REST says who is connected, also after a crash.
func TestPresence(t *testing.T) {
	s := startServer(t, "")
	phones := crew(t, s, 1)
	token := s.token("acme", "viewer")
	presence := func() string {
		var answer struct{ Employees []struct{ Presence string } }
		s.get("/api/v1/companies/acme/employees", token, &answer)
		return answer.Employees[0].Presence
	}
	if got := presence(); got != "offline" {
		t.Errorf("before: %s", got)
	}
	c := connect(t, s, phones[0])
	eventually(t, 10*time.Second, "the phone is online", func() bool { return presence() == "online" })
	s.kill()
	c.Disconnect(0)
	s.start()
	eventually(t, 10*time.Second, "after a crash nobody is online", func() bool { return presence() == "offline" })
	c = connect(t, s, phones[0])
	eventually(t, 10*time.Second, "the phone is back", func() bool { return presence() == "online" })
	c.Disconnect(0)
	eventually(t, 10*time.Second, "the phone is gone", func() bool { return presence() == "offline" })
}

// watcher is a dashboard in small: one snapshot, live frames, and one catch-up
// for each gap.
type watcher struct {
	s     *server
	token string

	mu   sync.Mutex
	seq  uint64
	lats map[string]float64
	gaps int
}

func (w *watcher) catchUp(after string) {
	code, body := w.s.fetch("/api/v1/companies/acme/positions"+after, w.token)
	var answer struct {
		Seq       uint64
		Positions []track.Position
	}
	if code != http.StatusOK || json.Unmarshal(body, &answer) != nil {
		return // the server is down; the next frame shows the gap again
	}
	w.seq = answer.Seq
	for _, p := range answer.Positions {
		w.lats[p.Employee] = p.Lat
	}
}

func (w *watcher) onFrame(_ mqtt.Client, m mqtt.Message) {
	var f struct {
		Prev, Seq uint64
		Cols      []string
		Rows      [][]any
	}
	if json.Unmarshal(m.Payload(), &f) != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.Seq <= w.seq {
		return
	}
	if f.Prev > w.seq {
		w.gaps++
		w.catchUp(fmt.Sprintf("?after=%d", w.seq))
		if f.Seq <= w.seq {
			return
		}
	}
	for _, row := range f.Rows {
		values := map[string]any{}
		for i, col := range f.Cols {
			values[col] = row[i]
		}
		if lat, ok := values["lat"].(float64); ok {
			w.lats[values["employee"].(string)] = lat
		}
	}
	w.seq = f.Seq
}

// TestLiveFrames: who follows the frames over WebSocket, and closes gaps as
// told, has the server's picture, also after a crash.
func TestLiveFrames(t *testing.T) {
	s := startServer(t, "")
	phones := crew(t, s, 20)
	w := &watcher{s: s, token: s.token("acme", "viewer"), lats: map[string]float64{}}
	o := mqtt.NewClientOptions().AddBroker("ws://" + s.HTTP + "/mqtt").SetClientID("w").SetUsername("w").SetPassword(w.token).
		SetMaxReconnectInterval(200 * time.Millisecond).SetOnConnectHandler(func(c mqtt.Client) {
		c.Subscribe("fc/acme/_live", 0, w.onFrame)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.catchUp("")
	})
	c := mqtt.NewClient(o)
	if token := c.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	defer c.Disconnect(50)
	end := startLoad(t, crowd.Options{Addr: s.MQTT, Phones: phones, Rate: 100, Duration: 8 * time.Second})
	eventually(t, 20*time.Second, "half is through", func() bool { return s.metric("fieldcast_publishes_acked_total") > 400 })
	s.kill()
	s.start()
	checkLedger(t, s, end(), 600)
	var truth struct {
		Seq       uint64
		Positions []track.Position
	}
	s.get("/api/v1/companies/acme/positions", w.token, &truth)
	if len(truth.Positions) != 20 {
		t.Fatalf("%d people", len(truth.Positions))
	}
	eventually(t, 15*time.Second, "the follower has the server's picture", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, p := range truth.Positions {
			if w.lats[p.Employee] != p.Lat {
				return false
			}
		}
		return true
	})
}
