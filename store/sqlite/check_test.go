package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fieldcast/store/sqlite"
	"fieldcast/track"
)

// filled writes a database as a killed process leaves it, and returns its path
// and what is in it.
func filled(t *testing.T, n int) (path string, fixes []track.Fix) {
	t.Helper()
	open := filepath.Join(t.TempDir(), "fieldcast.db")
	s, err := sqlite.Open(t.Context(), open, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range n {
		fixes = append(fixes, track.Fix{
			Company: "acme", Employee: "e1", Lat: 12.9 + float64(i)/1e5, Lon: 77.5, AccuracyM: track.Some(8.0), BatteryPct: track.Some(50),
			RecordedAt: time.Unix(1_700_000_000+int64(i), 0).UTC(), ReceivedAt: time.Unix(1_700_000_000+int64(i), 0).UTC(), Seq: uint64(i + 1),
		}.Round())
	}
	for at := 0; at < n; at += 1000 {
		end := min(at+1000, n)
		if _, err := s.Commit(t.Context(), track.Batch{After: uint64(at), Through: uint64(end), Fixes: fixes[at:end]}); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(t.TempDir(), "fieldcast.db")
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(open + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path, fixes
}

// fold moves everything from the write-ahead log into the file, and leaves an
// old log behind, so that the file does not look as if it had been closed.
func fold(t *testing.T, path string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Check: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"-wal", make([]byte, 32), 0o600); err != nil { // without a frame: ignored
		t.Fatal(err)
	}
}

// TestDamage changes a bit, or a page, anywhere in the file: it is never opened
// and read as if nothing were wrong with its fixes.
func TestDamage(t *testing.T) {
	const n = 3000
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	good, fixes := filled(t, n)
	fold(t, good)
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := map[string]int{}
	for i := range 150 {
		b := append([]byte(nil), content...)
		what := "a bit"
		at := 1 + random.IntN(len(b)-1)
		switch i % 3 {
		case 0:
			b[at] ^= 1 << random.IntN(8)
		case 1:
			what = "a page"
			at = at / 4096 * 4096
			clear(b[at : at+4096])
		case 2:
			what = "the end"
			b = b[:at]
		}
		outcome, err := readDamaged(t, b, fixes)
		if err != nil {
			t.Errorf("seed %d: %s at %d: %v", seed, what, at, err)
		}
		outcomes[what+": "+outcome]++
	}
	t.Log(outcomes)
}

// readDamaged opens and reads a damaged database. It returns an error if that
// gave wrong fixes.
func readDamaged(t *testing.T, content []byte, want []track.Fix) (outcome string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fieldcast.db")
	for suffix, b := range map[string][]byte{"": content, "-wal": make([]byte, 32)} {
		if err := os.WriteFile(path+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Check: true})
	if err != nil {
		if strings.Contains(err.Error(), "\n") {
			return "refused", fmt.Errorf("the error has more than one line: %w", err)
		}
		return "refused", nil
	}
	defer s.Close()
	got, _, err := s.Fixes(t.Context(), track.FixFilter{Company: "acme", Employee: "e1", Limit: 10_000})
	if err != nil {
		return "noticed when read", nil //nolint:nilerr // that is what is wanted
	}
	if len(got) != len(want) {
		return "", fmt.Errorf("%d fixes where %d were stored", len(got), len(want))
	}
	for i := range got {
		if got[i].Scale() != want[i].Scale() {
			return "", fmt.Errorf("fix %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
	return "right", nil
}

// TestCheckWhenUnclean: the command line beside it does not look at the
// whole file, and a clean end needs no check.
func TestCheckWhenUnclean(t *testing.T) {
	path, _ := filled(t, 3000)
	fold(t, path)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(content[len(content)/2/4096*4096:][:4096]) // a page that opening does not read
	for _, tt := range []struct {
		name           string
		check, unclean bool
		refused        bool
	}{
		{"server after a crash", true, true, true},
		{"command line", false, true, false},
		{"server after a clean end", true, false, false},
	} {
		path := filepath.Join(t.TempDir(), "fieldcast.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if tt.unclean {
			if err := os.WriteFile(path+"-wal", make([]byte, 32), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{Check: tt.check})
		if (err != nil) != tt.refused {
			t.Errorf("%s: error %v", tt.name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %q does not say that the file is damaged", tt.name, err)
		}
		if s != nil {
			s.Close()
		}
	}
}
