package hostile_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// labelled reads a metric's samples that have a label of a value, added up; 0
// while there is none.
func (s *site) labelled(name, label string) float64 {
	resp, err := http.Get("http://" + s.Metrics + "/metrics") //nolint:noctx // of this machine
	must(s.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(s.t, err)
	sum := 0.0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, name) || (label != "" && !strings.Contains(line, strconv.Quote(label))) {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' ')+1:]), 64)
		must(s.t, err)
		sum += value
	}
	return sum
}

const (
	begin = "<!-- table begins -->"
	end   = "<!-- table ends -->"
)

// writeTable puts the table between the markers of a file.
func writeTable(t *testing.T, rows []row) {
	t.Helper()
	if *table == "" || t.Failed() {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nEach attack lasted %v, after %v of calm. %s, %d cores; phones, attacker and server share them: only ratios travel.\n\n", begin, *window, *window, time.Now().Format("January 2006"), runtime.NumCPU())
	b.WriteString("| one hostile client | what becomes of it | PUBACK p50, p99 in the calm | under attack | p99 ratio | memory before, after |\n|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s, %s ms | %s, %s ms | %.1f | %d, %d MiB |\n", r.name, r.outcome,
			ms(r.calm.P50), ms(r.calm.P99), ms(r.attacked.P50), ms(r.attacked.P99), float64(r.attacked.P99)/float64(r.calm.P99), r.memory>>20, r.memoryAfter>>20)
	}
	b.WriteString(end)
	text, err := os.ReadFile(*table)
	must(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	_, after, found2 := strings.Cut(rest, end)
	if !found || !found2 {
		t.Fatalf("%s has no markers %s and %s", *table, begin, end)
	}
	must(t, os.WriteFile(*table, []byte(before+b.String()+after), 0o644))
}

func ms(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64)
}
