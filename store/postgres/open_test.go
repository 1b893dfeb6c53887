package postgres_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"fieldcast/store/postgres"
	"fieldcast/track"
)

const secret = "s3cret-W0rd"

// wantOpenError wants Open to fail with a sentence that does not hold the
// password.
func wantOpenError(t *testing.T, url, sentence string, kind error) {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, postgres.Options{})
	if err == nil {
		_ = s.Close()
		t.Fatal("opened")
	}
	if !strings.Contains(err.Error(), sentence) || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %q, want one line with %q and without the password", err, sentence)
	}
	if kind != nil && !errors.Is(err, kind) {
		t.Errorf("got error %v, want %v", err, kind)
	}
}

func TestOpenErrorsWithoutServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, url, sentence string
		kind                error
	}{
		{"nobody listens", "postgres://u:" + secret + "@" + nobody + "/x", "cannot reach PostgreSQL at " + nobody, track.ErrUnavailable},
		{"no such host", "postgres://u:" + secret + "@no-such-host.invalid/x", "cannot reach PostgreSQL at no-such-host.invalid:5432", track.ErrUnavailable},
		{"bad port", "postgres://u:" + secret + "@127.0.0.1:port/x", "the URL cannot be read", nil},
		{"bad escape", "postgres://u:" + secret + "%@127.0.0.1/x", "the URL cannot be read", nil},
		{"no scheme", "127.0.0.1/x", "the URL cannot be read", nil},
		{"words", "host=127.0.0.1 password=" + secret, "the URL cannot be read", nil},
		{"empty", "", "the URL cannot be read", nil},
	} {
		t.Run(c.name, func(t *testing.T) { wantOpenError(t, c.url, c.sentence, c.kind) })
	}
}

// TestSilentServer has a server that accepts and says nothing.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	wantOpenError(t, "postgres://u:"+secret+"@"+l.Addr().String()+"/x?connect_timeout=1&sslmode=disable", "cannot reach PostgreSQL", track.ErrUnavailable)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = postgres.Open(ctx, "postgres://u@"+l.Addr().String()+"/x?sslmode=disable", postgres.Options{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestOpenErrorsOfServer(t *testing.T) {
	server := database(t)
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/no_such_database"
	wantOpenError(t, u.String(), "no database of that name", track.ErrUnavailable)

	role := "r" + strings.TrimPrefix(dbName(t, server), "test_")
	admin(t, server, "CREATE ROLE "+role+" LOGIN PASSWORD '"+secret+"'")
	t.Cleanup(func() { admin(t, server, "DROP OWNED BY "+role); admin(t, server, "DROP ROLE "+role) })
	admin(t, server, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	u, err = url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, secret)
	wantOpenError(t, u.String(), "may not create tables", nil)
}

func dbName(t *testing.T, server string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

func TestNewerSchema(t *testing.T) {
	server := database(t)
	open(t, server)
	admin(t, server, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)")
	_, err := postgres.Open(t.Context(), server, postgres.Options{})
	if !errors.Is(err, track.ErrNewerSchema) || !strings.Contains(err.Error(), "999") {
		t.Fatalf("got error %v, want %v with the version", err, track.ErrNewerSchema)
	}
}

func TestOpenTogether(t *testing.T) {
	server := database(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := postgres.Open(t.Context(), server, postgres.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			_ = s.Close()
		})
	}
	wg.Wait()
}

func TestSearchPath(t *testing.T) {
	server := database(t)
	for _, schema := range []string{"one", "two"} {
		admin(t, server, "CREATE SCHEMA "+schema)
		s := open(t, with(t, server, "search_path", schema))
		if _, err := s.Commit(t.Context(), batch(t, 0, 3)); err != nil {
			t.Fatal(err)
		}
		st, err := s.Stats(t.Context(), "acme")
		if err != nil || st.Fixes != 3 {
			t.Errorf("schema %s: got %+v, %v, want its own three fixes", schema, st, err)
		}
	}
}

// batch returns a batch of n fixes received now, behind a cursor.
func batch(t *testing.T, after uint64, n int) track.Batch {
	t.Helper()
	b := track.Batch{After: after, Through: after + uint64(n)}
	now := time.Now()
	for i := range n {
		b.Fixes = append(b.Fixes, track.Fix{
			Company: "acme", Employee: "e1", Lat: float64(i), RecordedAt: now, ReceivedAt: now, Seq: after + uint64(i) + 1,
		}.Round())
	}
	return b
}

func count(t *testing.T, server, sql string, args ...any) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDurableCommit(t *testing.T) {
	server := database(t)
	admin(t, server, "ALTER DATABASE "+dbName(t, server)+" SET synchronous_commit = off")
	s := open(t, server)
	// The journal is cut behind a commit: the store must not take the
	// database's word for what it may lose. A trigger tells what it sees.
	admin(t, server, `CREATE FUNCTION strict() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN IF current_setting('synchronous_commit') = 'off' THEN RAISE 'not durable'; END IF; RETURN NEW; END $$`)
	admin(t, server, "CREATE TRIGGER strict BEFORE UPDATE ON journal_cursor FOR EACH ROW EXECUTE FUNCTION strict()")
	if _, err := s.Commit(t.Context(), batch(t, 0, 1)); err != nil {
		t.Fatal(err)
	}
}
