// Package hostile tests what one hostile client can do to the others, with the
// real binary: while an attack runs, 200 good phones publish from a process of
// their own, and their acknowledgements must come as before.
//
//	scripts/hostile          each attack for 5 s, and the table into docs/hostile.md
//	scripts/test e2e         each for a moment
package hostile
