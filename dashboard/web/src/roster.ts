// The order of the list over time. Rows that change places under the pointer get the wrong person clicked,
// so the order is renewed every few seconds at most, and not while somebody points at the list or works in it.

import { batch, effect, signal } from "@preact/signals";
import { sort } from "./core/list";
import { groupBy, keyOf, type Group } from "./core/team";
import { grouped } from "./preferences";
import type { Store } from "./store";

const EVERY_MS = 5_000;

export class Roster {
  readonly ids = signal<readonly string[]>([]);
  /** The headings of teams between them; empty if the list has none. */
  readonly groups = signal<readonly Group[]>([]);
  /** Somebody points at the list, or has the focus in it. */
  readonly held = signal(false);
  #key = "";
  #sorted = 0;

  constructor(store: Store) {
    effect(() => {
      const listed = store.listed.value;
      const order = store.order.value;
      const ranks = store.ranks.value;
      const held = this.held.value;
      const teams = grouped.value ? store.teams.value : [];
      const key = JSON.stringify([order, store.filter.value, store.team.value, store.query.value, store.onlyInView.value && store.box.value, store.people, teams]);
      const now = performance.now();
      if (key === this.#key && (held || now - this.#sorted < EVERY_MS)) return;
      this.#key = key;
      this.#sorted = now;
      const sorted = sort([...listed], order, (id) => ranks.get(id) ?? 0).map((e) => e.person.id);
      const keyOfId = (id: string) => keyOf(store.person(id) ?? { team: null });
      const { ids, groups } = teams.length ? groupBy(sorted, teams, keyOfId) : { ids: sorted, groups: [] };
      batch(() => { // rows and headings belong together
        if (!same(ids, this.ids.peek())) this.ids.value = ids;
        if (JSON.stringify(groups) !== JSON.stringify(this.groups.peek())) this.groups.value = groups;
      });
    });
  }
}

const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((id, i) => id === b[i]);
