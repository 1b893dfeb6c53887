// Package journey makes stops, trips and distance of what a phone recorded.
// Call [Rules.Derive] with a person's fixes of a day.
//
//	j := journey.DefaultRules().Derive(fixes)
//	for _, leg := range j.Legs { … }
//
// Everything is derived from the fixes alone, and does not depend on their
// order: a fix that arrives late gives the same result as one in time.
//
// # Rules
//
//   - Fixes with too large an accuracy circle, and those that nobody could have
//     reached and come back from, are counted and otherwise ignored.
//   - A stop is a stay of 180 s or more within 200 m of its centre, which is the
//     median, so that strays do not pull it. Who passes slowly through such a
//     circle has not stopped: the two halves of the stay must be near each other.
//   - A short excursion out of a stop and back, shorter than two minutes, is a
//     stray fix and does not end it.
//   - A trip is what lies between stops. Steps within the noise of the
//     measurement add no distance.
//   - More than five minutes without a fix are a gap, unless the person was at
//     the same stop before and after: then the stop goes on and says for how
//     long it was silent.
package journey
