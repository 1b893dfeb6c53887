// The one store that feeds list, card and map.

import { batch as together, computed, signal, type ReadonlySignal } from "@preact/signals";
import { unpack } from "./core/columns";
import { isIn, type Box } from "./core/geo";
import { needsBanner, type Connection } from "./core/connection";
import { FIRST, type Ladder } from "./core/ladder";
import { count, entriesAt, fold, matches, nameRanks, queryWords, type Counts, type Entry, type Filter, type Order } from "./core/list";
import type { Fix, Person } from "./core/person";
import type { Period } from "./core/period";
import { inTeam, teamsOf, type Team } from "./core/team";
import { Trails } from "./core/trail";
import type { View } from "./core/view";
import type { Identity, ToPage } from "./worker/protocol";

/** In larger companies only who is selected has a trail that grows; the server remembers the ways of all. */
const TRAILS_OF = 2_000;

type Batch = Extract<ToPage, { type: "people" }>;

export class Store {
  readonly identity = signal<Identity | null>(null);
  readonly connection = signal<Connection>({ name: "connecting", since: Date.now() });
  /** Over what changes come, and why not over the best. */
  readonly ladder = signal<Ladder>(FIRST);
  /** When the last change came, by this machine's clock; null before the first. */
  changedAt: number | null = null;
  /** The server's clock, to the second. */
  readonly now = signal(Date.now());
  /** True once the whole company is known. */
  readonly loaded = signal(false);

  readonly selected = signal<string | null>(null);
  readonly filter = signal<Filter>("all");
  /** The team that is shown, by its key; "" is people without one, null everybody. */
  readonly team = signal<string | null>(null);
  readonly query = signal("");
  readonly order = signal<Order>("urgency");
  readonly follow = signal(false);
  /** What the map shows; null while there is none. */
  readonly box = signal<Box | null>(null);
  /** Whether the list has only people in it. */
  readonly onlyInView = signal(false);
  /** The days whose history is shown, of who is selected; null while the live view is. */
  readonly history = signal<Period | null>(null);
  /** Why there is no map, or "". */
  readonly mapProblem = signal("");

  readonly trails = new Trails();
  seq = 0;
  /** How often people were handed over. */
  batches = 0;
  #offset = 0;
  #people = new Map<string, Person>();
  #folded = new Map<string, string>();
  #version = signal(0);
  #namesVersion = signal(0);

  /** Everybody, with their state at this moment. */
  readonly entries: ReadonlySignal<ReadonlyMap<string, Entry>>;
  /** Of the team that is shown. */
  readonly counts: ReadonlySignal<Counts>;
  /** By name, people without one last; empty if nobody is in any. */
  readonly teams: ReadonlySignal<readonly Team[]>;
  /** Those that pass filter and search, in no order. */
  readonly matching: ReadonlySignal<readonly Entry[]>;
  /** Those of them who are on the part of the map that is seen. */
  readonly inView: ReadonlySignal<readonly Entry[]>;
  /** Those whom the list has. */
  readonly listed: ReadonlySignal<readonly Entry[]>;
  readonly chosen: ReadonlySignal<Entry | null>;
  /** The connection is away for long enough that nothing may be shown as live. */
  readonly frozen: ReadonlySignal<boolean>;
  readonly ranks: ReadonlySignal<ReadonlyMap<string, number>>;

  constructor(view: View) {
    this.selected.value = view.selected;
    this.filter.value = view.filter;
    this.team.value = view.team;
    this.query.value = view.query;
    this.history.value = view.history;
    let known: ReadonlyMap<string, Entry> = new Map();
    this.entries = computed(() => {
      this.#version.value; // the map of people is changed in place
      known = entriesAt(this.#people, this.now.value, known);
      return known;
    });
    this.teams = computed(() => {
      this.#namesVersion.value;
      return teamsOf(this.#people.values());
    });
    const shown = computed(() => {
      const team = this.teams.value.length ? this.team.value : null; // of an address of before: who has no teams sees everybody
      const all = [...this.entries.value.values()];
      return team === null ? all : all.filter((e) => inTeam(e.person, team));
    });
    this.counts = computed(() => count(shown.value));
    this.matching = computed(() => {
      const words = queryWords(this.query.value);
      const filter = this.filter.value;
      return shown.value.filter((e) => matches(e, this.#folded.get(e.person.id) ?? "", filter, words));
    });
    this.inView = computed(() => {
      const box = this.box.value;
      return box ? this.matching.value.filter(({ person: { fix } }) => fix && isIn(box, [fix.lon, fix.lat])) : [];
    });
    this.listed = computed(() => (this.onlyInView.value && this.box.value ? this.inView.value : this.matching.value));
    this.chosen = computed(() => this.entries.value.get(this.selected.value ?? "") ?? null);
    this.frozen = computed(() => {
      this.now.value; // counts with the second
      const connection = this.connection.value;
      return connection.name === "expired" || needsBanner(connection, Date.now());
    });
    this.ranks = computed(() => {
      this.#namesVersion.value;
      return nameRanks(this.#people.values());
    });
  }

  /** Milliseconds to add to this machine's clock to have the server's. */
  get offset(): number {
    return this.#offset;
  }

  /** The server's clock. */
  serverNow(): number {
    return Date.now() + this.#offset;
  }

  setOffset(offset: number): void {
    this.#offset = offset;
  }

  person(id: string): Person | null {
    return this.#people.get(id) ?? null;
  }

  get people(): number {
    return this.#people.size;
  }

  /** Takes a batch of the worker. */
  apply(batch: Batch): void {
    const people = unpack(batch.columns);
    let renamed = false;
    if (batch.full) {
      const ids = new Set(batch.columns.ids);
      for (const id of this.#people.keys()) {
        if (ids.has(id)) continue;
        this.#people.delete(id);
        renamed = true;
      }
    }
    for (const person of people) {
      const before = this.#people.get(person.id);
      if (!before || before.name !== person.name || before.team !== person.team) {
        this.#folded.set(person.id, `${fold(person.name)} ${fold(person.id)} ${fold(person.team ?? "")}`);
        renamed = true;
      }
      this.#people.set(person.id, person);
      this.trails.see(person, this.#people.size <= TRAILS_OF || person.id === this.selected.peek());
    }
    this.seq = batch.seq;
    this.batches++;
    this.changedAt = Date.now();
    this.#offset = batch.offset;
    together(() => { // each on its own would have lists and map made anew four times, the first with the names of before
      this.loaded.value = true;
      this.now.value = this.serverNow();
      if (renamed) this.#namesVersion.value++;
      this.#version.value++;
    });
  }

  /** Takes what the server remembers of a person's way. */
  learnWay(id: string, fixes: readonly Fix[]): void {
    this.trails.learn(id, fixes);
    this.#version.value++;
  }

  /** Selecting is one act, from wherever it comes. Null selects nobody. */
  select(id: string | null): void {
    if (id !== this.selected.value) this.follow.value = false;
    this.selected.value = id;
  }
}
