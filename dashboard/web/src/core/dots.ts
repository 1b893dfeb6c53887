// Everybody as a table of numbers that the graphics card can read: four float32 a person (x, y, kind, course).
//
// A place is an offset from an origin near what is looked at. World coordinates themselves, as float32, are only
// good to two metres, and markers would tremble at street zoom.

import type { LonLat } from "./geo";
import type { Entry } from "./list";
import type { Fix } from "./person";

/** How a dot looks. */
export const KIND = { none: -1, offline: 0, late: 1, live: 2, heading: 3 } as const;

/** Numbers a person in `Dots.data`. */
export const STRIDE = 4;

/** More changes than this are not told apart. */
export const MANY_DIRTY = 300;

/** Somebody who is elsewhere than before. World coordinates. */
export interface Move {
  readonly slot: number;
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly before: Fix;
  readonly after: Fix;
}

/** World coordinates of Web Mercator: 0 to 1, from the north-west. */
export const worldX = (lon: number): number => (180 + lon) / 360;
export const worldY = (lat: number): number => 0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI);

export function worldOf([lon, lat]: LonLat): [number, number] {
  return [worldX(lon), worldY(lat)];
}

export function lonLatOf(x: number, y: number): LonLat {
  return [x * 360 - 180, (Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) * 360) / Math.PI - 90];
}

export function kindOf(entry: Entry): number {
  if (entry.state === "live") return entry.moving && entry.person.fix?.courseDeg != null ? KIND.heading : KIND.live;
  return entry.state === "late" ? KIND.late : KIND.offline;
}

export class Dots {
  data: Float32Array<ArrayBuffer> = new Float32Array(0);
  /** Where each is drawn, in pairs of world coordinates. */
  #shown = new Float64Array(0);
  #entries: (Entry | undefined)[] = [];
  #fixes: (Fix | null)[] = [];
  #slots = new Map<string, number>();
  #dirty: number[] | "all" = "all";
  #origin: [number, number] = [0.5, 0.5];
  size = 0;
  /** How many have a place. */
  placed = 0;

  get origin(): readonly [number, number] {
    return this.#origin;
  }

  entry(slot: number): Entry | null {
    return this.#entries[slot] ?? null;
  }

  slotOf(id: string): number {
    return this.#slots.get(id) ?? -1;
  }

  shown(slot: number): [number, number] {
    return [this.#shown[slot * 2] ?? 0, this.#shown[slot * 2 + 1] ?? 0];
  }

  /** Reports whether these are the people of the table, in the same slots. */
  holds(entries: readonly Entry[]): boolean {
    return entries.length === this.size && entries.every((e, i) => this.#entries[i]?.person.id === e.person.id);
  }

  /** Takes everybody who is to be drawn; returns who of those known before has moved. `without` keeps a slot but is not drawn. */
  set(entries: readonly Entry[], without: string | null): Move[] {
    const moves: Move[] = [];
    const known = this.holds(entries) ? null : { slots: this.#slots, shown: this.#shown, fixes: this.#fixes };
    if (known) this.#resize(entries);
    this.placed = 0;
    for (let slot = 0; slot < entries.length; slot++) {
      const entry = entries[slot];
      if (!entry) continue;
      const { id, fix } = entry.person;
      const old = known ? known.slots.get(id) : slot;
      const before = old === undefined ? null : ((known ?? { fixes: this.#fixes }).fixes[old] ?? null);
      if (known && old !== undefined && before) this.#shown.set(known.shown.subarray(old * 2, old * 2 + 2), slot * 2);
      this.#entries[slot] = entry;
      this.#fixes[slot] = fix;
      if (fix) {
        this.placed++;
        if (fix !== before && !(before && before.lat === fix.lat && before.lon === fix.lon)) {
          const to: [number, number] = [worldX(fix.lon), worldY(fix.lat)];
          if (before) moves.push({ slot, from: this.shown(slot), to, before, after: fix });
          this.place(slot, to[0], to[1]);
        }
      }
      this.#look(slot, fix && id !== without ? kindOf(entry) : KIND.none, fix?.courseDeg ?? 0);
    }
    return moves;
  }

  /** Draws somebody at a place of the world. */
  place(slot: number, x: number, y: number): void {
    this.#shown[slot * 2] = x;
    this.#shown[slot * 2 + 1] = y;
    this.#offset(slot);
    this.#touch(slot);
  }

  /** Makes offsets small near this place of the world. */
  setOrigin(x: number, y: number): void {
    this.#origin = [x, y];
    for (let slot = 0; slot < this.size; slot++) this.#offset(slot);
    this.#dirty = "all";
  }

  /** Hands out which slots have changed since the last call. */
  takeDirty(): readonly number[] | "all" {
    const dirty = this.#dirty;
    this.#dirty = [];
    return dirty;
  }

  /** The one nearest to a place of the world, not farther than `radius`, or -1. A linear scan: 50,000 take a quarter of a millisecond. */
  nearest(x: number, y: number, radius: number): number {
    let found = -1;
    let best = radius * radius;
    for (let slot = 0; slot < this.size; slot++) {
      const dx = (this.#shown[slot * 2] ?? 0) - x;
      const dy = (this.#shown[slot * 2 + 1] ?? 0) - y;
      const d = dx * dx + dy * dy;
      if (d > best || this.data[slot * STRIDE + 2] === KIND.none) continue;
      best = d;
      found = slot;
    }
    return found;
  }

  /** Those drawn in a box of the world, at most `limit` and one (so that more than `limit` can be told). */
  within(west: number, north: number, east: number, south: number, limit: number): number[] {
    const found: number[] = [];
    for (let slot = 0; slot < this.size && found.length <= limit; slot++) {
      const x = this.#shown[slot * 2] ?? 0;
      const y = this.#shown[slot * 2 + 1] ?? 0;
      if (x >= west && x <= east && y >= north && y <= south && this.data[slot * STRIDE + 2] !== KIND.none) found.push(slot);
    }
    return found;
  }

  #resize(entries: readonly Entry[]): void {
    this.size = entries.length;
    this.data = new Float32Array(this.size * STRIDE);
    this.#shown = new Float64Array(this.size * 2);
    this.#entries = new Array<Entry | undefined>(this.size);
    this.#fixes = new Array<Fix | null>(this.size).fill(null);
    this.#slots = new Map(entries.map((e, i) => [e.person.id, i]));
    this.#dirty = "all";
  }

  #offset(slot: number): void {
    this.data[slot * STRIDE] = (this.#shown[slot * 2] ?? 0) - this.#origin[0];
    this.data[slot * STRIDE + 1] = (this.#shown[slot * 2 + 1] ?? 0) - this.#origin[1];
  }

  #look(slot: number, kind: number, course: number): void {
    const at = slot * STRIDE + 2;
    const turned = Math.fround(course);
    if (this.#dirty === "all") this.#offset(slot);
    if (this.data[at] === kind && this.data[at + 1] === turned) return;
    this.data[at] = kind;
    this.data[at + 1] = turned;
    this.#touch(slot);
  }

  #touch(slot: number): void {
    if (this.#dirty === "all") return;
    if (this.#dirty.length < MANY_DIRTY) this.#dirty.push(slot);
    else this.#dirty = "all"; // also while nobody takes them: a hidden table must not grow
  }
}
