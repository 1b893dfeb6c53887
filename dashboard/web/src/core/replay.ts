// The clock of the replay.

import { extent, legAt, type Track } from "./track";

export const SPEEDS = [1, 4, 16, 60] as const;
export type Speed = (typeof SPEEDS)[number];

/** A gap is passed in this time, a stop in twice that, however long they were: nothing is to be seen in them. */
export const SKIP_MS = 1_500;

/** The moment that is shown so many milliseconds later. It never passes the end. */
export function advance(track: Track, time: number, elapsedMs: number, speed: number): number {
  const ends = extent(track);
  if (!ends) return time;
  let [now, left] = [Math.min(Math.max(time, ends.from), ends.to), elapsedMs];
  while (left > 0 && now < ends.to) {
    const leg = track.legs[legAt(track, now)];
    const until = Math.min(ends.to, nextStart(track, now));
    const pace = leg ? Math.max(speed, paceOf(leg.kind, until - leg.from)) : speed;
    const needed = (until - now) / pace;
    if (needed > left) return now + left * pace;
    now = until;
    left -= needed;
  }
  return now;
}

function paceOf(kind: string, lengthMs: number): number {
  if (kind === "trip") return 0;
  return lengthMs / (kind === "gap" ? SKIP_MS : 2 * SKIP_MS);
}

function nextStart(track: Track, time: number): number {
  return track.legs.find((leg) => leg.from > time)?.from ?? Infinity;
}

/** Whether the replay is faster than was chosen, because nothing is to be seen. */
export function skips(track: Track, time: number, speed: number): boolean {
  const leg = track.legs[legAt(track, time)];
  return Boolean(leg && leg.kind !== "trip" && paceOf(leg.kind, leg.to - leg.from) > speed);
}
