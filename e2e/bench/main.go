// Bench measures Fieldcast beside what somebody would pick instead, in one run
// on one machine, and writes tables. Run it by scripts/bench. It is no part of
// the program.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"fieldcast/e2e/binary"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is a run.
type bench struct {
	program string // Fieldcast's
	dir     string // for everybody's data
	out     io.Writer

	only     string
	phones   int
	rate     int
	duration time.Duration
	rounds   int
	readers  int
	records  int
	document string
}

// part is one table.
type part struct {
	name string
	run  func(*bench, context.Context) (table string, err error)
}

var parts = []part{
	{"brokers", (*bench).brokers},
	{"fanout", (*bench).fanout},
	{"recovery", (*bench).recovery},
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 2 && args[0] == "mochi" {
		return serveMochi(ctx, args[1])
	}
	b := &bench{out: out}
	f := flag.NewFlagSet("scripts/bench", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&b.only, "only", "brokers,fanout,recovery", "which parts")
	f.IntVar(&b.phones, "phones", 10_000, "how many phones")
	f.IntVar(&b.rate, "rate", 3333, "fixes a second of all phones")
	f.DurationVar(&b.duration, "duration", 20*time.Second, "how long each is measured")
	f.IntVar(&b.rounds, "rounds", 3, "turns of each; the median is shown")
	f.IntVar(&b.readers, "readers", 200, "browsers of the fan-out")
	f.IntVar(&b.records, "records", 1_000_000, "length of the journal that is recovered")
	f.StringVar(&b.document, "out", "", "document whose tables are written anew; empty: only print")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 || b.phones < 1 || b.rate < 1 || b.duration <= 0 || b.rounds < 1 || b.readers < 1 || b.records < 1 {
		return errors.New("numbers must be positive, and nothing else is taken")
	}
	program, remove, err := binary.Program()
	if err != nil {
		return err
	}
	defer remove()
	b.program = program
	if b.dir, err = os.MkdirTemp("", "fieldcast-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir) //nolint:errcheck // a temporary folder of ours
	return b.all(ctx)
}

func (b *bench) all(ctx context.Context) error {
	chosen := strings.Split(b.only, ",")
	known := 0
	for _, p := range parts {
		for _, name := range chosen {
			if name != p.name {
				continue
			}
			known++
			table, err := p.run(b, ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			fmt.Fprintf(b.out, "\n%s\n", table)
			if b.document == "" {
				continue
			}
			if err := replace(b.document, p.name, table); err != nil {
				return err
			}
		}
	}
	if known != len(chosen) {
		return fmt.Errorf("--only: of %q not all are parts; there are brokers, fanout, recovery", b.only)
	}
	return nil
}

// replace writes a table between the marks of its part.
func replace(document, name, table string) error {
	text, err := os.ReadFile(document) //nolint:gosec // the caller's file
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+" begins -->\n", "<!-- "+name+" ends -->"
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no marks %q and %q", document, strings.TrimSpace(begin), end)
	}
	return os.WriteFile(document, []byte(head+begin+table+"\n"+end+tail), 0o644) //nolint:gosec // a document
}

// folder makes one for a contender's data.
func (b *bench) folder(name string) (string, error) {
	return os.MkdirTemp(b.dir, strings.ReplaceAll(filepath.Base(name), " ", "-")+"-")
}

// conditions says on what a table was measured.
func conditions() string {
	cpu := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				cpu = strings.TrimSpace(strings.TrimLeft(name, " \t:"))
				break
			}
		}
	}
	load := "unknown"
	if avg, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = strings.Join(strings.Fields(string(avg))[:3], " ")
	}
	return fmt.Sprintf("Measured %s, %s, %d cores for server and load together; load average afterwards %s. Only ratios travel to other machines.",
		time.Now().UTC().Format("2006-01-02"), cpu, cores(), load)
}
