// The order of the list over time. Rows that change places under the pointer get the wrong person clicked,
// so the order is renewed every few seconds at most, and not while somebody points at the list or works in it.

import { effect, signal } from "@preact/signals";
import { sort } from "./core/list";
import type { Store } from "./store";

const EVERY_MS = 5_000;

export class Roster {
  readonly ids = signal<readonly string[]>([]);
  /** Somebody points at the list, or has the focus in it. */
  readonly held = signal(false);
  #key = "";
  #sorted = 0;

  constructor(store: Store) {
    effect(() => {
      const matching = store.matching.value;
      const order = store.order.value;
      const ranks = store.ranks.value;
      const held = this.held.value;
      const key = `${order}/${store.filter.value}/${store.query.value}/${store.people}`;
      const now = performance.now();
      if (key === this.#key && (held || now - this.#sorted < EVERY_MS)) return;
      this.#key = key;
      this.#sorted = now;
      const ids = sort([...matching], order, (id) => ranks.get(id) ?? 0).map((e) => e.person.id);
      if (!same(ids, this.ids.peek())) this.ids.value = ids;
    });
  }
}

const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((id, i) => id === b[i]);
