// Which people are listed, and in which order. Linear scans: 5,000 people cost less than a millisecond.

import { isMoving, newestSign, stateAt, type Person, type State } from "./person";

export type Filter = "all" | "moving" | "idle" | "late" | "offline" | "never";
export type Order = "urgency" | "name" | "newest";

export const FILTERS: readonly Filter[] = ["all", "moving", "idle", "late", "offline", "never"];
export const ORDERS: readonly Order[] = ["urgency", "name", "newest"];

/** A person with what the lists need at hand. */
export interface Entry {
  readonly person: Person;
  readonly state: State;
  readonly moving: boolean;
}

export type Counts = Readonly<Record<Filter, number>>;

/** Folds a text for searching: without case and accents, so that "jose" finds "José". */
export function fold(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{M}+/gu, "")
    .replace(/ß/g, "ss")
    .replace(/[łŁ]/g, "l")
    .replace(/[øØ]/g, "o")
    .replace(/[ıİ]/g, "i")
    .toLowerCase();
}

/** The counter that somebody is under. Off shift is none of its own: such people are, for who looks for them, offline. */
export function filterOf({ state, moving }: Pick<Entry, "state" | "moving">): Exclude<Filter, "all"> {
  if (state === "live") return moving ? "moving" : "idle";
  return state === "off_shift" ? "offline" : state;
}

export function entryAt(person: Person, now: number): Entry {
  const state = stateAt(person, now);
  return { person, state, moving: isMoving(person, state) };
}

/** Everybody's entry at a moment. An entry of before stays the same object if nothing about it has changed. */
export function entriesAt(people: ReadonlyMap<string, Person>, now: number, before: ReadonlyMap<string, Entry>): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const [id, person] of people) {
    const old = before.get(id);
    const state = stateAt(person, now);
    entries.set(id, old && old.person === person && old.state === state ? old : { person, state, moving: isMoving(person, state) });
  }
  return entries;
}

export function count(entries: Iterable<Entry>): Counts {
  const counts = { all: 0, moving: 0, idle: 0, late: 0, offline: 0, never: 0 };
  for (const e of entries) {
    counts.all++;
    counts[filterOf(e)]++;
  }
  return counts;
}

/** Reports whether an entry passes the filter and every word of the (folded) query is in its name, id or team. */
export function matches(entry: Entry, folded: string, filter: Filter, words: readonly string[]): boolean {
  if (filter !== "all" && filterOf(entry) !== filter) return false;
  return words.every((w) => folded.includes(w));
}

/** The words of a query, folded. */
export const queryWords = (query: string): string[] => fold(query).split(/\s+/).filter(Boolean);

/** Lower comes first: who should be reporting and does not, then who moves, then who is quiet for long. */
export function urgency(entry: Entry): number {
  switch (entry.state) {
    case "late":
      return 0;
    case "live":
      return entry.moving ? 1 : 2;
    case "offline":
      return 3;
    case "off_shift":
      return 4;
    case "never":
      return 5;
  }
}

/** Sorts in place. `rank` is a person's place in the order of names. */
export function sort(entries: Entry[], order: Order, rank: (id: string) => number): Entry[] {
  const byName = (a: Entry, b: Entry) => rank(a.person.id) - rank(b.person.id);
  const sign = (e: Entry) => (e.person.fix ? newestSign(e.person.fix) : -Infinity);
  const newest = (a: Entry, b: Entry) => (sign(a) === sign(b) ? 0 : sign(b) - sign(a));
  switch (order) {
    case "name":
      return entries.sort(byName);
    case "newest":
      return entries.sort((a, b) => newest(a, b) || byName(a, b));
    case "urgency":
      return entries.sort((a, b) => urgency(a) - urgency(b) || byName(a, b));
  }
}

/** The order of names, computed once for all sorts until a name changes. */
export function nameRanks(people: Iterable<Person>): Map<string, number> {
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const sorted = [...people].sort((a, b) => collator.compare(a.name || a.id, b.name || b.id) || (a.id < b.id ? -1 : 1));
  return new Map(sorted.map((p, i) => [p.id, i]));
}
