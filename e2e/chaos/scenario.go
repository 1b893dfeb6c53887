//go:build unix

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fieldcast/simulate/crowd"
)

// The stores.
const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

// scenario is one way of breaking something. The world is up, ready and without
// load when it is played; what it has not undone itself, the end of the world
// does. Afterwards phones get time to deliver, and everything is checked.
type scenario struct {
	name         string
	promises     string // of ARCHITECTURE.md, that it holds
	about        string
	stores       []string
	needsJournal string               // the only one that it is about; empty: all
	settings     string               // of the server, YAML
	load         func(*crowd.Options) // what is special about the phones; nil: nothing
	needs        func() error         // why it cannot be played here; nil: it always can
	kills        bool                 // it kills often: --kills plays it again and again
	play         func(ctx context.Context, w *world) error

	// behindProxy: the server reaches PostgreSQL through world.proxy.
	behindProxy bool
	// phonesBehindProxy: phones reach the server through it.
	phonesBehindProxy bool
	// smallDisk: the data is on a disk of its own, world.disk.
	smallDisk bool
	// wanders: phones whose clocks are wrong, so last-known is not what was
	// recorded last.
	wanders bool
}

var both = []string{sqlite, postgres}

// catalogue is every scenario there is.
func catalogue() []scenario {
	return slices.Concat(processScenarios(), diskScenarios(), postgresScenarios(), networkScenarios(), clockScenarios(), redisScenarios())
}

// choose returns the scenarios with these names, or all, as far as they are
// about such a journal; empty: about any.
func choose(names []string, journal string) ([]scenario, error) {
	all := slices.DeleteFunc(catalogue(), func(s scenario) bool {
		return journal != "" && s.needsJournal != "" && s.needsJournal != journal
	})
	if len(names) == 0 {
		return all, nil
	}
	var chosen []scenario
	for _, name := range names {
		i := slices.IndexFunc(all, func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("--only %s: there is no such scenario for this journal; there are %s", name, strings.Join(namesOf(all), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func namesOf(all []scenario) (names []string) {
	for _, s := range all {
		names = append(names, s.name)
	}
	return names
}
