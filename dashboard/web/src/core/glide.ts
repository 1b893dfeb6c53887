// Markers that glide from fix to fix. They only ever show a way between two places that were reported; where
// somebody may be going is not guessed.

/** The longest glide. */
export const GLIDE_MS = 2_000;
/** A longer step is a jump. */
export const JUMP_M = 500;
/** More that move at a time are not followed by the eye, but by the processor. */
export const MAX_GLIDING = 300;

/** How long somebody takes to get to a new fix: as long as between the two, but not more than 2 s; 0 is a jump. */
export function glideMs(stepM: number, intervalMs: number): number {
  if (stepM > JUMP_M || !(intervalMs > 0)) return 0;
  return Math.min(intervalMs, GLIDE_MS);
}

interface Glide {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly begun: number;
  readonly ms: number;
}

/** The glides under way, by slot. */
export class Glides {
  #glides = new Map<number, Glide>();

  get size(): number {
    return this.#glides.size;
  }

  start(slot: number, from: readonly [number, number], to: readonly [number, number], now: number, ms: number): void {
    this.#glides.set(slot, { from, to, begun: now, ms });
  }

  /** Moves each to where it is now; those that have arrived are there exactly, and end. */
  step(now: number, place: (slot: number, x: number, y: number) => void): void {
    for (const [slot, g] of this.#glides) {
      const done = Math.min(1, Math.max(0, (now - g.begun) / g.ms));
      if (done === 1) this.#glides.delete(slot);
      const along = (i: 0 | 1) => (done === 1 ? g.to[i] : g.from[i] + (g.to[i] - g.from[i]) * done);
      place(slot, along(0), along(1));
    }
  }

  /** Ends one glide: it is where it was going, or goes elsewhere from now on. */
  end(slot: number): void {
    this.#glides.delete(slot);
  }

  /** Ends all at once, where they were going. */
  finish(place: (slot: number, x: number, y: number) => void): void {
    this.step(Infinity, place);
  }
}
