// The way of one person, as far as this page has seen it.

import type { Fix, Person } from "./person";
import { distanceM, type LonLat } from "./geo";

export interface TrailPoint {
  readonly at: LonLat;
  readonly time: number;
}

/** How long a trail is. */
export const TRAIL_MS = 15 * 60_000;
const MAX_POINTS = 400;
const GAP_MS = 5 * 60_000;
const GAP_M = 1_000;

/** The trail with a fix added: in the order of recording, none twice, nothing older than 15 minutes before the newest. */
export function extend(trail: readonly TrailPoint[], fix: Fix): readonly TrailPoint[] {
  const last = trail.at(-1);
  if (last && fix.recordedAt <= last.time) return trail;
  const points = [...trail, { at: [fix.lon, fix.lat] as LonLat, time: fix.recordedAt }];
  return points.filter((p) => p.time >= fix.recordedAt - TRAIL_MS).slice(-MAX_POINTS);
}

/** The trail with fixes added that were recorded before what is known of it; marked ones say nothing about the way. */
export function precede(trail: readonly TrailPoint[], fixes: readonly Fix[]): readonly TrailPoint[] {
  const first = trail[0]?.time ?? Infinity;
  const newest = trail.at(-1)?.time ?? Math.max(...fixes.map((f) => f.recordedAt));
  const before = fixes
    .filter((f) => f.recordedAt < first && f.recordedAt >= newest - TRAIL_MS && f.quality === "ok")
    .map((f): TrailPoint => ({ at: [f.lon, f.lat], time: f.recordedAt }))
    .sort((a, b) => a.time - b.time);
  return [...before, ...trail].slice(-MAX_POINTS);
}

export interface Stretch {
  readonly line: LonLat[];
  /** Nothing was seen between these two points: to be drawn dotted. */
  readonly gap: boolean;
}

/** The stretches of a trail: whole lines, and the gaps between them (more than 5 minutes or 1 km without a fix). */
export function stretches(trail: readonly TrailPoint[]): Stretch[] {
  const out: Stretch[] = [];
  let line: LonLat[] = [];
  trail.forEach((p, i) => {
    const before = trail[i - 1];
    if (before && (p.time - before.time > GAP_MS || distanceM(before.at, p.at) > GAP_M)) {
      if (line.length > 1) out.push({ line, gap: false });
      out.push({ line: [before.at, p.at], gap: true });
      line = [];
    }
    line.push(p.at);
  });
  if (line.length > 1) out.push({ line, gap: false });
  return out;
}

/** The trails of everybody who has moved since the page was opened, and what was learned of their ways before. */
export class Trails {
  #trails = new Map<string, readonly TrailPoint[]>();

  /** Notes where somebody is; of who is not followed, nothing is kept, as a trail with a hole would be a lie. */
  see(person: Person, followed: boolean): void {
    if (!followed) this.#trails.delete(person.id);
    if (!person.fix || !followed) return;
    this.#trails.set(person.id, extend(this.#trails.get(person.id) ?? [], person.fix));
  }

  learn(id: string, fixes: readonly Fix[]): void {
    this.#trails.set(id, precede(this.of(id), fixes));
  }

  of(id: string): readonly TrailPoint[] {
    return this.#trails.get(id) ?? [];
  }
}
