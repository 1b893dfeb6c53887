//go:build unix

// Chaos breaks a running Fieldcast on purpose, at moments nobody chose, while
// phones that keep a ledger go on publishing; then it compares the ledger with
// what the store has. Run it by scripts/chaos. It is no part of the program.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, errWrong):
		os.Exit(1) // the report has said what
	case errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(2)
	}
}

// options are the flags.
type options struct {
	minutes float64
	kills   int
	seed    uint64
	stores  []string
	only    []string
	journal string
	list    bool
}

func parse(args []string, out io.Writer) (o options, err error) {
	f := flag.NewFlagSet("scripts/chaos", flag.ContinueOnError)
	f.SetOutput(out)
	var store, only string
	f.Float64Var(&o.minutes, "minutes", 0, "go on with new rounds until so many minutes have passed")
	f.IntVar(&o.kills, "kills", 0, "go on until the server was killed so often; the last round may be cut short by --minutes")
	f.Uint64Var(&o.seed, "seed", 0, "make the choices of an earlier run again (0: new ones)")
	f.StringVar(&store, "store", "both", "sqlite, postgres or both")
	f.StringVar(&o.journal, "journal", onDisk, "where the journal is: disk or redis")
	f.StringVar(&only, "only", "", "play these scenarios only, with commas between")
	f.BoolVar(&o.list, "list", false, "list the scenarios")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag", f.Arg(0))
	}
	switch store {
	case sqlite, postgres:
		o.stores = []string{store}
	case "both":
		o.stores = []string{sqlite, postgres}
	default:
		return o, fmt.Errorf("--store %s: it must be sqlite, postgres or both", store)
	}
	if o.journal != onDisk && o.journal != inRedis {
		return o, fmt.Errorf("--journal %s: it must be disk or redis", o.journal)
	}
	if o.minutes < 0 || o.kills < 0 {
		return o, errors.New("--minutes and --kills must not be negative")
	}
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano()) % 1_000_000 //nolint:gosec // positive; short, to be typed again
	}
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	if o.list {
		o.journal = "" // all of them
	}
	chosen, err := choose(o.only, o.journal)
	if err != nil {
		return err
	}
	if o.list {
		for _, s := range chosen {
			fmt.Fprintf(out, "%-12s %-8s %-16s %s\n", s.name, s.promises, strings.Join(s.stores, ", "), s.about)
		}
		return nil
	}
	r, err := newRunner(o, out)
	if err != nil {
		return err
	}
	defer r.close()
	fmt.Fprintf(out, "seed %d\n", o.seed)
	r.play(ctx, plan(o, chosen))
	return r.report.finish(ctx.Err())
}
