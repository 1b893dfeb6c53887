package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fieldcast/journal"
	"fieldcast/journal/disk"
)

var smallFiles = disk.Options{SegmentBytes: 64 << 10, TailRecords: 1}

func payloadOf(n uint64) []byte {
	return []byte(strings.Repeat(fmt.Sprintf("<%d>", n), 40))
}

// fill appends n records, one a group.
func fill(t testing.TB, j *disk.Journal, n int) {
	t.Helper()
	for range n {
		r := journal.Record{Kind: journal.Message, Company: "acme", Payload: payloadOf(j.Stats().Last + 1)}
		if _, err := j.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// crash copies the folder of an open journal: what a killed process leaves.
func crash(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// segments lists the files, oldest first.
func segments(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no files in %s, error %v", dir, err)
	}
	slices.Sort(names)
	return names
}

func change(t testing.TB, file string, f func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, f(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// survey reads everything that can be read, and checks that it is right. It
// returns the last good record, and the error that ended it.
func survey(t testing.TB, dir string) (last uint64, err error) {
	t.Helper()
	j, err := disk.Open(dir, smallFiles)
	if err != nil {
		return 0, err
	}
	defer j.Close()
	s := j.Stats()
	last = s.First - 1
	for last < s.Last {
		rs, err := j.Read(t.Context(), last+1, 100)
		if err != nil {
			return last, err
		}
		for _, r := range rs {
			last++
			if r.Seq != last || !bytes.Equal(r.Payload, payloadOf(last)) {
				t.Fatalf("record %d has wrong content: %+v", last, r)
			}
		}
	}
	return last, nil
}

func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, smallFiles)
	defer j.Close()
	fill(t, j, 20)
	used := func(b []byte) int { return len(bytes.TrimRight(b, "\x00")) }
	tests := []struct {
		name  string
		tear  func(b []byte) []byte
		loses int // records, of the newest group at most
	}{
		{"nothing", func(b []byte) []byte { return b }, 0},
		{"commit not written", func(b []byte) []byte { clear(b[used(b)-4:]); return b }, 1},
		{"end not written", func(b []byte) []byte { clear(b[used(b)-100:]); return b }, 1},
		{"middle not written", func(b []byte) []byte { n := used(b); clear(b[n-150 : n-50]); return b }, 1},
		{"rubbish behind", func(b []byte) []byte { copy(b[used(b):], "\x01\x00\x00\x00\xff\xff\xff\x7frubbish"); return b }, 0},
		{"old commits behind", func(b []byte) []byte { // of torn writes before, which raft-wal would believe
			n := (used(b) + 7) / 8 * 8
			copy(b[n:], "\x01\x00\x00\x00\x08\x00\x00\x00whatever\x03\x00\x00\x00abcd\x03\x00\x00\x00efgh")
			return b
		}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := crash(t, dir)
			change(t, segments(t, dir)[0], test.tear)
			for range 2 { // the second time, nothing is left to repair
				last, err := survey(t, dir)
				if err != nil || last != uint64(20-test.loses) {
					t.Fatalf("recovered through %d, error %v; want %d", last, err, 20-test.loses)
				}
			}
			j := mustOpen(t, dir, smallFiles)
			fill(t, j, 30)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if last, err := survey(t, dir); err != nil || last != uint64(50-test.loses) {
				t.Fatalf("through %d after going on, error %v", last, err)
			}
		})
	}
}

// A file is made in its full length: one that has lost its end may have lost
// acknowledged records with it, however well the rest looks.
func TestShortFile(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, smallFiles)
	defer j.Close()
	fill(t, j, 20)
	used := func(b []byte) int { return len(bytes.TrimRight(b, "\x00")) }
	for name, length := range map[string]func(b []byte) int{
		"in the middle":       func(b []byte) int { return used(b) / 2 },
		"in the last record":  func(b []byte) int { return used(b) - 50 },
		"behind the last one": used,
		"by a byte":           func(b []byte) int { return len(b) - 1 },
	} {
		dir := crash(t, dir)
		change(t, segments(t, dir)[0], func(b []byte) []byte { return b[:length(b)] })
		for range 2 { // it is not made good by looking
			if _, err := survey(t, dir); !errors.Is(err, journal.ErrCorrupt) || !strings.Contains(err.Error(), "bytes long and was 65536") {
				t.Errorf("%s: got %v, want %v", name, err, journal.ErrCorrupt)
			}
		}
	}
}

// A list of files that has lost its end is refused, wherever it was cut off:
// it is read through memory, where that would end the process.
func TestShortList(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, smallFiles)
	defer j.Close()
	fill(t, j, 700)
	list, err := os.ReadFile(filepath.Join(dir, "wal-meta.db"))
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for cut := 0; cut < len(list); cut += 4096/2 + 100 {
		dir := crash(t, dir)
		if cut == 0 {
			cut = 4347
		}
		change(t, filepath.Join(dir, "wal-meta.db"), func(b []byte) []byte { return b[:cut] })
		last, err := survey(t, dir)
		switch {
		case err == nil && last == 700: // nothing in use was cut off
		case !errors.Is(err, journal.ErrCorrupt) || !strings.Contains(err.Error(), "wal-meta.db"):
			t.Errorf("cut off at %d: through %d, error %v, want %v", cut, last, err, journal.ErrCorrupt)
		default:
			refused++
		}
	}
	if refused < 3 {
		t.Errorf("only %d of these were refused", refused)
	}
}

// A dropped write is told, not hidden.
func TestTornTailIsLogged(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, smallFiles)
	defer j.Close()
	fill(t, j, 3)
	dir = crash(t, dir)
	change(t, segments(t, dir)[0], func(b []byte) []byte { b[len(bytes.TrimRight(b, "\x00"))-10]++; return b })
	var log bytes.Buffer
	o := smallFiles
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	if err := mustOpen(t, dir, o).Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "unfinished write") || !strings.Contains(log.String(), "after_record=2") {
		t.Errorf("logged: %s", log.String())
	}
}

// Whatever bit flips, wherever: what is read is right, or it is ErrCorrupt.
// After an orderly end not a record is lost without it.
func TestBitFlips(t *testing.T) {
	const records = 700
	closed := t.TempDir()
	j := mustOpen(t, closed, smallFiles)
	fill(t, j, records)
	killed := crash(t, closed)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	files := segments(t, closed)
	if len(files) < 3 {
		t.Fatalf("%d files are too few for this test", len(files))
	}
	for _, state := range []struct {
		name, dir string
		mayLose   uint64 // the newest group, which looks like an unfinished write
	}{{"closed", closed, 0}, {"killed", killed, 1}} {
		for i := range files {
			t.Run(fmt.Sprintf("%s/file %d", state.name, i), func(t *testing.T) {
				flipAll(t, state.dir, i, records, state.mayLose)
			})
		}
	}
}

func flipAll(t *testing.T, dir string, file int, records, mayLose uint64) {
	t.Helper()
	original, err := os.ReadFile(segments(t, dir)[file])
	if err != nil {
		t.Fatal(err)
	}
	used := len(bytes.TrimRight(original, "\x00"))
	work := crash(t, dir)
	noticed := 0
	for at := 0; at < used; at += max(1, used/61) {
		change(t, segments(t, work)[file], func([]byte) []byte {
			b := bytes.Clone(original)
			b[at] ^= 1 << (at % 8)
			return b
		})
		last, err := survey(t, work)
		switch {
		case errors.Is(err, journal.ErrCorrupt):
			noticed++
			if name := filepath.Base(segments(t, work)[file]); !strings.Contains(err.Error(), name) && !strings.Contains(err.Error(), "ends with record") {
				t.Errorf("byte %d: the message does not name %s: %v", at, name, err)
			}
		case err != nil:
			t.Errorf("byte %d: error %v is not ErrCorrupt", at, err)
		case last < records-mayLose:
			t.Errorf("byte %d: records behind %d are lost in silence", at, last)
		}
		// The list of files may have been changed by opening.
		work = crash(t, dir)
	}
	if noticed == 0 && used > 2000 {
		t.Error("no flip was noticed")
	}
}

// Damage in front of later groups is no unfinished write.
func TestDamageInTheMiddle(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, smallFiles)
	defer j.Close()
	fill(t, j, 20)
	for name, damage := range map[string]func(b []byte){
		"bit":         func(b []byte) { b[2000] ^= 4 },
		"zeros":       func(b []byte) { clear(b[1024:1536]) },
		"head":        func(b []byte) { clear(b[:32]) },
		"long length": func(b []byte) { b[36], b[37], b[38] = 0xff, 0xff, 0xff },
	} {
		t.Run(name, func(t *testing.T) {
			dir := crash(t, dir)
			file := segments(t, dir)[0]
			change(t, file, func(b []byte) []byte { damage(b); return b })
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = disk.Open(dir, smallFiles)
			if !errors.Is(err, journal.ErrCorrupt) || !strings.Contains(fmt.Sprint(err), filepath.Base(file)) {
				t.Fatalf("open: %v", err)
			}
			t.Log(err)
			after, err := os.ReadFile(file)
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("the damaged file was changed, error %v", err)
			}
		})
	}
}

// Lost files are noticed, and nothing more is deleted.
func TestMissingFiles(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, smallFiles)
	fill(t, j, 700)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	names := segments(t, dir)
	for _, lost := range append(names, filepath.Join(dir, "wal-meta.db")) {
		t.Run(filepath.Base(lost), func(t *testing.T) {
			dir := crash(t, dir)
			if err := os.Remove(filepath.Join(dir, filepath.Base(lost))); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				_, err := disk.Open(dir, smallFiles)
				if !errors.Is(err, journal.ErrCorrupt) {
					t.Fatalf("open: %v", err)
				}
				t.Log(err)
			}
			for _, name := range names {
				if name == lost {
					continue
				}
				if _, err := os.Stat(filepath.Join(dir, filepath.Base(name))); err != nil {
					t.Errorf("another file is gone: %v", err)
				}
			}
		})
	}
}

// A payload that looks like a journal does not make one out of an unfinished write.
func TestHostilePayloadBehindTornWrite(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, smallFiles)
	defer j.Close()
	fill(t, j, 5)
	stolen, err := os.ReadFile(segments(t, dir)[0]) // groups of another journal, with their commits
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	victim := mustOpen(t, other, smallFiles)
	defer victim.Close()
	for pad := range 8 { // one of them is aligned
		payload := append(bytes.Repeat([]byte("x"), pad), bytes.TrimRight(stolen[32:], "\x00")...)
		r := journal.Record{Payload: payload}
		if _, err := victim.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		torn := crash(t, other)
		change(t, segments(t, torn)[0], func(b []byte) []byte {
			n := len(bytes.TrimRight(b, "\x00"))
			b[n-len(payload)-60]++
			return b
		})
		j, err := disk.Open(torn, smallFiles)
		if err != nil {
			t.Fatalf("a payload keeps the journal from opening: %v", err)
		}
		if last := j.Stats().Last; last != uint64(pad) {
			t.Errorf("last is %d, want %d", last, pad)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
