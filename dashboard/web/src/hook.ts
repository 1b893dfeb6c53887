// A read-only view of the app for tests in a browser: `window.__app`.

import type { MapView } from "./map/view";
import type { Store } from "./store";

export function installHook(store: Store, map: { readonly view: MapView | null }): void {
  const hook = {
    get people() {
      return store.people;
    },
    /** People in the last update that the map has taken. */
    get markersDrawn() {
      return map.view?.drawn ?? 0;
    },
    /** How people are drawn ("clusters" or "dots"), how many glide, how many ever have. */
    get crowd() {
      return map.view?.crowd ?? null;
    },
    /** Where a person is drawn, who may be on the way to where they are. */
    drawnAt(employee: string) {
      return map.view?.drawnAt(employee) ?? null;
    },
    /** How much of a layer of the map is seen; 0 of one that there is not. */
    drawnOf(layer: string) {
      return map.view?.drawnOf(layer) ?? 0;
    },
    get connection() {
      return store.connection.peek().name;
    },
    get selected() {
      return store.selected.peek();
    },
    /** How often the worker has handed over people. */
    get batches() {
      return store.batches;
    },
    get seq() {
      return store.seq;
    },
    /** How many points the way of a person has on the map. */
    trail(employee: string) {
      return store.trails.of(employee).length;
    },
    /** What is known of a person, with the place on the screen if there is a map; null if nothing is. */
    position(employee: string) {
      const entry = store.entries.peek().get(employee);
      if (!entry) return null;
      const { fix, name, presence } = entry.person;
      const pixel = fix && map.view ? map.view.project([fix.lon, fix.lat]) : null;
      return { employee, name, state: entry.state, presence, ...(fix ?? {}), pixel };
    },
  };
  Object.defineProperty(window, "__app", { value: Object.freeze(hook), writable: false });
}
