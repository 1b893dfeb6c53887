//go:build unix

package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to do harm behind the server's back

	"fieldcast/track"
)

// trial plays one scenario of its own on SQLite and returns the report.
func trial(t *testing.T, s scenario) (*report, string) {
	t.Helper()
	s.name, s.stores = "trial", []string{sqlite}
	var out bytes.Buffer
	r, err := newRunner(options{seed: 1, stores: s.stores}, &out)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	r.play(t.Context(), plan(r.o, []scenario{s}))
	r.keep = false
	err = r.report.finish(nil)
	if (err != nil) != (len(r.report.wrong) > 0) || err != nil && !errors.Is(err, errWrong) {
		t.Errorf("finish: %v", err)
	}
	t.Log(out.String())
	return r.report, out.String()
}

// harm changes the database while nobody looks, after everything was stored.
func harm(change func(db *sql.DB) error) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		if err := errors.Join(w.begin(ctx), w.awaitAcks(ctx, 100), w.settle(ctx)); err != nil {
			return err
		}
		db, err := sql.Open("sqlite", "file:"+filepath.Join(w.server.Data, "fieldcast.db")+"?_pragma=busy_timeout(20000)")
		if err != nil {
			return err
		}
		return errors.Join(change(db), db.Close())
	}
}

const someFix = " WHERE (employee_id, recorded_us, digest) IN (SELECT employee_id, recorded_us, digest FROM fix LIMIT 1)"

func statement(s string) func(*sql.DB) error {
	return func(db *sql.DB) error {
		_, err := db.Exec(s + someFix)
		return err
	}
}

// storeAgain stores a fix a second time, as if its altitude were part of another.
func storeAgain(db *sql.DB) error {
	var s track.Scaled
	var accuracy, speed, course sql.NullInt32
	err := db.QueryRow("SELECT recorded_us, lat_e7, lon_e7, accuracy_dm, speed_cms, course_dd FROM fix"+someFix).
		Scan(&s.RecordedUS, &s.LatE7, &s.LonE7, &accuracy, &speed, &course)
	if err != nil {
		return err
	}
	s.AccuracyDM, s.SpeedCMS, s.CourseDD = accuracy.Int32, speed.Int32, course.Int32
	s.AltitudeDM, s.VerticalAccuracyDM = 7, track.Unknown
	_, err = db.Exec("INSERT INTO fix (employee_id, recorded_us, digest, lat_e7, lon_e7, accuracy_dm, altitude_dm, speed_cms, course_dd, "+
		"quality, received_us, seq) SELECT employee_id, recorded_us, ?, lat_e7, lon_e7, accuracy_dm, 7, speed_cms, course_dd, "+
		"quality, received_us, seq FROM fix"+someFix, s.Digest())
	return err
}

// TestCheckNotices: a check that finds nothing must be able to find something.
func TestCheckNotices(t *testing.T) {
	for _, tt := range []struct {
		name             string
		change           func(*sql.DB) error
		want             string
		lost, duplicated int
	}{
		{"a lost fix", statement("DELETE FROM fix"), "which was acknowledged", 1, 0},
		{"a fix stored twice", storeAgain, "stored 2 times", 0, 1},
		{"a fix of another company", statement("UPDATE fix SET employee_id = (SELECT max(id) FROM employee)"), "never sent", 1, 0},
		{"counters", func(db *sql.DB) error {
			_, err := db.Exec("UPDATE company SET fixes = fixes + 1")
			return err
		}, "its statistics say", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, said := trial(t, scenario{play: harm(tt.change)})
			if len(r.wrong) != 1 || r.lost != tt.lost || r.duplicated != tt.duplicated || !strings.Contains(said, tt.want) {
				t.Errorf("%d wrong, %d lost, %d duplicated", len(r.wrong), r.lost, r.duplicated)
			}
		})
	}
}

// TestDeadServer: a server that does not come back is wrong, and ends soon.
func TestDeadServer(t *testing.T) {
	r, said := trial(t, scenario{play: func(ctx context.Context, w *world) error {
		w.kill()
		w.server.Data = filepath.Join(w.dir, "fieldcast.yaml", "nowhere")
		w.server.HTTP = "256.0.0.1:1"
		return w.start(ctx)
	}})
	if len(r.wrong) != 1 || r.kills != 1 || !strings.Contains(said, "ended by itself") {
		t.Errorf("%d wrong, %d kills", len(r.wrong), r.kills)
	}
}

func TestChoicesAreRepeated(t *testing.T) {
	order := func(seed uint64) (all []string) {
		o := options{seed: seed, stores: []string{sqlite, postgres}}
		for e := range plan(o, catalogue()) {
			if e.round == 2 {
				return all
			}
			all = append(all, e.String(), time.Duration(e.random().Int64()).String())
		}
		return all
	}
	first, again, other := strings.Join(order(7), " "), strings.Join(order(7), " "), strings.Join(order(8), " ")
	if first != again || first == other {
		t.Errorf("seed 7: %s\nagain: %s\nseed 8: %s", first, again, other)
	}
}

func TestFlags(t *testing.T) {
	for _, args := range []string{"--store oracle", "--kills -1", "--only nothing", "--only redis-kill", "--journal tape", "--frobnicate", "kill"} {
		var out bytes.Buffer
		if err := run(t.Context(), strings.Fields(args), &out); err == nil || errors.Is(err, errWrong) {
			t.Errorf("%s: error %v", args, err)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--list"}, &out); err != nil || strings.Count(out.String(), "\n") != len(catalogue()) {
		t.Errorf("--list: %v\n%s", err, out.String())
	}
}
