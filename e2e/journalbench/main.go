// Journalbench measures journals side by side, in turns, and prints a table. Run
// it by scripts/bench-journal. It is no part of the program.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"fieldcast/journal"
	"fieldcast/journal/disk"
	"fieldcast/journal/journaltest"
	"fieldcast/journal/redis"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "journalbench:", err)
		os.Exit(1)
	}
}

// contender is a journal that is measured.
type contender struct {
	name string
	open func(context.Context) (journal.Journal, error)
}

// crowds are how many append at a time.
var crowds = []int{1, 100, 1000}

func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("scripts/bench-journal", flag.ContinueOnError)
	f.SetOutput(out)
	rounds := f.Int("rounds", 3, "turns of each; the median is shown")
	seconds := f.Float64("seconds", 2, "how long a turn takes")
	dir := f.String("dir", "", "folder for the journal on disk; empty: a temporary one")
	contenders := []contender{{"disk", func(context.Context) (journal.Journal, error) {
		return disk.Open(filepath.Join(*dir, "journal"), disk.Options{Logger: slog.New(slog.DiscardHandler)})
	}}}
	f.Func("redis", "NAME,DURABILITY,REPLICAS,URL of one more", func(s string) error {
		c, err := inRedis(s)
		contenders = append(contenders, c)
		return err
	})
	if err := f.Parse(args); err != nil {
		return err
	}
	if *rounds < 1 || *seconds <= 0 || f.NArg() > 0 {
		return errors.New("--rounds and --seconds must be positive, and nothing else is taken")
	}
	if *dir == "" {
		own, err := os.MkdirTemp("", "journalbench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(own) //nolint:errcheck // a temporary folder of ours
		*dir = own
	}
	results, err := measure(ctx, contenders, *rounds, time.Duration(*seconds*float64(time.Second)))
	if err != nil {
		return err
	}
	return show(out, contenders, results)
}

func inRedis(s string) (contender, error) {
	parts := strings.SplitN(s, ",", 4)
	if len(parts) != 4 {
		return contender{}, errors.New("want NAME,DURABILITY,REPLICAS,URL")
	}
	o := redis.Options{URL: parts[3], Durability: redis.Durability(parts[1])}
	if _, err := fmt.Sscan(parts[2], &o.Replicas); err != nil {
		return contender{}, fmt.Errorf("REPLICAS: %w", err)
	}
	return contender{parts[0], func(ctx context.Context) (journal.Journal, error) { return redis.Open(ctx, o) }}, nil
}

// key is a cell of the table.
type key struct {
	name  string
	crowd int
}

// measure gives everybody a turn, round after round: what else the machine does
// meanwhile meets all of them.
func measure(ctx context.Context, contenders []contender, rounds int, long time.Duration) (map[key][]journaltest.Measured, error) {
	results := map[key][]journaltest.Measured{}
	for range rounds {
		for _, crowd := range crowds {
			for _, c := range contenders {
				m, err := turn(ctx, c, crowd, long)
				if err != nil {
					return nil, fmt.Errorf("%s, %d appenders: %w", c.name, crowd, err)
				}
				results[key{c.name, crowd}] = append(results[key{c.name, crowd}], m)
			}
		}
	}
	return results, nil
}

func turn(ctx context.Context, c contender, crowd int, long time.Duration) (journaltest.Measured, error) {
	j, err := c.open(ctx)
	if err != nil {
		return journaltest.Measured{}, err
	}
	m, err := journaltest.Measure(ctx, j, crowd, long)
	return m, errors.Join(err, j.Close())
}

// show prints medians, and how they compare with the first contender.
func show(out io.Writer, contenders []contender, results map[key][]journaltest.Measured) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "appenders\tjournal\trecords/s\tp50 ms\tp99 ms\trecords/s, disk = 1\tp99, disk = 1")
	for _, crowd := range crowds {
		first := medians(results[key{contenders[0].name, crowd}])
		for _, c := range contenders {
			m := medians(results[key{c.name, crowd}])
			fmt.Fprintf(w, "%d\t%s\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\n", crowd, c.name, m.PerSecond, ms(m.P50), ms(m.P99),
				m.PerSecond/first.PerSecond, ms(m.P99)/ms(first.P99))
		}
	}
	return w.Flush()
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// medians of each figure by itself.
func medians(all []journaltest.Measured) journaltest.Measured {
	return journaltest.Measured{
		PerSecond: median(all, func(m journaltest.Measured) float64 { return m.PerSecond }),
		P50:       median(all, func(m journaltest.Measured) time.Duration { return m.P50 }),
		P99:       median(all, func(m journaltest.Measured) time.Duration { return m.P99 }),
	}
}

func median[T cmp.Ordered](all []journaltest.Measured, of func(journaltest.Measured) T) T {
	values := make([]T, len(all))
	for i, m := range all {
		values[i] = of(m)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
