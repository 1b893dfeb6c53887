// Hands data to one GeoJSON source: one update under way at a time, what comes meanwhile is coalesced, and
// not more often than an interval. Updates that are not waited for pile up in MapLibre's worker and the map
// falls behind without bound.

import type { GeoJSON } from "geojson";

export class Feeder {
  #waiting: (() => GeoJSON) | null = null;
  #busy = false;
  #last = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param set gives data to the source; settles when it is drawn or has failed
   * @param everyMs the shortest time between two updates
   */
  constructor(
    private readonly set: (data: GeoJSON) => Promise<void>,
    private readonly everyMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Asks for an update. The data is made when its turn has come, so that the newest is drawn. */
  feed(make: () => GeoJSON, urgent = false): void {
    this.#waiting = make;
    if (urgent) this.#last = -Infinity;
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting = null;
  }

  #schedule(): void {
    if (this.#busy || !this.#waiting) return;
    clearTimeout(this.#timer);
    const wait = Math.max(0, this.#last + this.everyMs - this.now());
    this.#timer = setTimeout(() => void this.#run(), wait);
  }

  async #run(): Promise<void> {
    const make = this.#waiting;
    if (!make || this.#busy) return;
    this.#waiting = null;
    this.#busy = true;
    this.#last = this.now();
    try {
      await this.set(make());
    } catch {
      // The source is gone or the update was overtaken; the next one brings everything.
    } finally {
      this.#busy = false;
      this.#schedule();
    }
  }
}
