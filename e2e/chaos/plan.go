//go:build unix

package main

import (
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"slices"
)

// roundKills is how often a round of kills kills; then everything is checked.
const roundKills = 25

// episode is a scenario that is going to be played on a store.
type episode struct {
	scenario
	store   string
	journal string
	seed    uint64
	round   int // how often the same was played before
	kills   int // how many the run still wants, if it wants a number
}

// random makes the episode's choices: the same for the same seed, scenario,
// store and round, whatever else is played.
func (e episode) random() *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s %d", e.name, e.store, e.round)
	return rand.New(rand.NewPCG(e.seed, h.Sum64())) //nolint:gosec // to be repeated
}

// rank is what comes first in a round: what kills, for runs that end early.
func (e episode) rank() int {
	if e.scenario.kills {
		return 0
	}
	return 1
}

func (e episode) String() string { return fmt.Sprintf("%s on %s", e.name, e.store) }

// plan is what to play, without an end: each round is every chosen scenario on
// every store, what kills first, else in an order that the seed chooses. When a number of kills is
// wanted, only the first round is a mixture; then those are played that kill.
func plan(o options, chosen []scenario) iter.Seq[episode] {
	return func(yield func(episode) bool) {
		for round := 0; ; round++ {
			var all []episode
			for _, s := range chosen {
				for _, store := range o.stores {
					if slices.Contains(s.stores, store) && (round == 0 || o.kills == 0 || s.kills) {
						all = append(all, episode{scenario: s, store: store, journal: o.journal, seed: o.seed, round: round})
					}
				}
			}
			order := rand.New(rand.NewPCG(o.seed, uint64(round))) //nolint:gosec // to be repeated
			order.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			slices.SortStableFunc(all, func(a, b episode) int { return a.rank() - b.rank() })
			for _, e := range all {
				if !yield(e) {
					return
				}
			}
			if len(all) == 0 {
				return
			}
		}
	}
}
