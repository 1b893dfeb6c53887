package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fieldcast/track"
)

// script runs scripts/postgres.
func script(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("../../scripts/postgres", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("scripts/postgres %v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

// TestOutage stops a server of its own in the middle, in both ways that
// databases go away, and wants every call to say so and the store to recover.
func TestOutage(t *testing.T) {
	if os.Getenv("FIELDCAST_TEST_POSTGRES") == "" {
		t.Skip("needs PostgreSQL: set FIELDCAST_TEST_POSTGRES to the URL that `scripts/postgres start DIR` prints")
	}
	tmp, err := os.MkdirTemp("", "fieldcast-outage") // t.TempDir is closed to the user that the server runs as
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(tmp) })
	dir := filepath.Join(tmp, "pg")
	server := script(t, "start", dir)
	t.Cleanup(func() { script(t, "stop", dir, "-m", "immediate") })
	s := open(t, server)

	var cursor uint64
	for _, mode := range []string{"fast", "immediate"} {
		if _, err := s.Commit(t.Context(), batch(t, cursor, 5)); err != nil {
			t.Fatal(err)
		}
		cursor += 5
		script(t, "stop", dir, "-m", mode)
		for range 3 { // the first finds a broken connection, the next cannot connect
			if _, err := s.Commit(t.Context(), batch(t, cursor, 5)); !errors.Is(err, track.ErrUnavailable) {
				t.Errorf("commit: got error %v, want %v", err, track.ErrUnavailable)
			}
			if _, err := s.Positions(t.Context(), ""); !errors.Is(err, track.ErrUnavailable) {
				t.Errorf("positions: got error %v, want %v", err, track.ErrUnavailable)
			}
			if err := s.Ping(t.Context()); !errors.Is(err, track.ErrUnavailable) {
				t.Errorf("ping: got error %v, want %v", err, track.ErrUnavailable)
			}
		}
		script(t, "start", dir)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		for s.Ping(ctx) != nil && ctx.Err() == nil {
			time.Sleep(20 * time.Millisecond)
		}
		cancel()
		st, err := s.Stats(t.Context(), "acme")
		if err != nil || st.Fixes != int64(cursor) {
			t.Fatalf("afterwards: got %+v, %v, want %d fixes", st, err, cursor)
		}
	}
}

func TestReadOnly(t *testing.T) {
	server := database(t)
	open(t, server)
	admin(t, server, "ALTER DATABASE "+dbName(t, server)+" SET default_transaction_read_only = on")
	s := open(t, server)
	if err := s.Ping(t.Context()); !errors.Is(err, track.ErrUnavailable) {
		t.Errorf("ping: got error %v, want %v", err, track.ErrUnavailable)
	}
	if _, err := s.Commit(t.Context(), batch(t, 0, 1)); !errors.Is(err, track.ErrUnavailable) {
		t.Errorf("commit: got error %v, want %v", err, track.ErrUnavailable)
	}
	if _, err := s.Companies(t.Context()); err != nil {
		t.Errorf("reading: %v", err)
	}
	// Connections of before do not learn that it takes changes again.
	admin(t, with(t, server, "default_transaction_read_only", "off"), "ALTER DATABASE "+dbName(t, server)+" RESET default_transaction_read_only")
	for _, refused := range []func() error{
		func() error { return s.Ping(t.Context()) },
		func() error { _, err := s.Commit(t.Context(), batch(t, 0, 1)); return err },
	} {
		err := refused()
		for range 20 { // as many as the pool may hold
			if err == nil {
				break
			}
			err = refused()
		}
		if err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}

// TestKilledConnections cuts every connection of the store, again and again.
func TestKilledConnections(t *testing.T) {
	server := database(t)
	s := open(t, server)
	var cursor uint64
	for range 20 {
		admin(t, server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		_, err := s.Commit(t.Context(), batch(t, cursor, 3))
		if err != nil && !errors.Is(err, track.ErrUnavailable) {
			t.Fatalf("got error %v, want %v", err, track.ErrUnavailable)
		}
		if err == nil {
			cursor += 3
		}
	}
	for {
		if _, err := s.Commit(t.Context(), batch(t, cursor, 3)); err == nil {
			return
		} else if !errors.Is(err, track.ErrUnavailable) {
			t.Fatal(err)
		}
	}
}

func TestTooManyConnections(t *testing.T) {
	server := database(t)
	open(t, server)
	admin(t, server, "CREATE ROLE "+dbName(t, server)+"_few LOGIN CONNECTION LIMIT 0")
	t.Cleanup(func() { admin(t, server, "DROP ROLE "+dbName(t, server)+"_few") })
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(dbName(t, server) + "_few")
	wantOpenError(t, u.String(), "cannot be used at present", track.ErrUnavailable)
}
