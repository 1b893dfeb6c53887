// Where somebody was, as the server derives it from the stored fixes: trips, stops and gaps, in order.

import { distanceM, type LonLat } from "./geo";

export type LegKind = "trip" | "stop" | "gap";

export interface WayPoint {
  readonly time: number;
  readonly at: LonLat;
  readonly speedMps: number | null;
}

export interface Leg {
  readonly kind: LegKind;
  readonly from: number;
  readonly to: number;
  readonly durationS: number;
  readonly distanceM: number;
  /** Of a stop: for how long nothing was heard. */
  readonly silentS: number;
  /** Centre of a stop. */
  readonly at: LonLat | null;
  /** Of a trip: the way. Of a gap: its ends. */
  readonly points: readonly WayPoint[];
}

export interface Track {
  readonly fixes: number;
  readonly ignored: number;
  readonly distanceM: number;
  readonly movingS: number;
  readonly stoppedS: number;
  /** By how many metres it was simplified. */
  readonly simplifiedM: number;
  readonly legs: readonly Leg[];
}

/** Reads the body of GET track; null if it is none. Legs that make no sense are left out. */
export function parseTrack(v: unknown): Track | null {
  const body = object(v);
  if (!body || !Array.isArray(body.legs)) return null;
  return {
    fixes: number(body.fixes) ?? 0, ignored: number(body.ignored) ?? 0, distanceM: number(body.distance_m) ?? 0,
    movingS: number(body.moving_s) ?? 0, stoppedS: number(body.stopped_s) ?? 0, simplifiedM: number(body.simplified_m) ?? 0,
    legs: body.legs.map(parseLeg).filter((leg) => leg !== null),
  };
}

function parseLeg(v: unknown): Leg | null {
  const leg = object(v);
  const { kind } = leg ?? {};
  if (!leg || (kind !== "trip" && kind !== "stop" && kind !== "gap")) return null;
  const [from, to] = [moment(leg.from), moment(leg.to)];
  if (from === null || to === null || to < from) return null;
  const [lat, lon] = [number(leg.lat), number(leg.lon)];
  const points = (Array.isArray(leg.points) ? leg.points : []).map(parsePoint).filter((p) => p !== null);
  const at: LonLat | null = lat === null || lon === null ? null : [lon, lat];
  if (kind === "stop" ? at === null : points.length === 0) return null;
  return { kind, from, to, durationS: (to - from) / 1000, distanceM: number(leg.distance_m) ?? 0, silentS: number(leg.silent_s) ?? 0, at, points };
}

function parsePoint(v: unknown): WayPoint | null {
  const p = object(v);
  const [time, lat, lon] = [moment(p?.recorded_at), number(p?.lat), number(p?.lon)];
  return time === null || lat === null || lon === null ? null : { time, at: [lon, lat], speedMps: number(p?.speed_mps) };
}

const object = (v: unknown): Record<string, unknown> | null => (typeof v === "object" && v !== null ? (v as Record<string, unknown>) : null);
const number = (v: unknown): number | null => (typeof v === "number" && Number.isFinite(v) ? v : null);
const moment = (v: unknown): number | null => (typeof v === "string" ? number(Date.parse(v)) : null);

/** The ends of a track, or null if it is empty. */
export function extent(track: Track): { from: number; to: number } | null {
  const [first, last] = [track.legs[0], track.legs.at(-1)];
  return first && last ? { from: first.from, to: last.to } : null;
}

/** All places of a track, or of one of its legs. */
export function placesOf(legs: readonly Leg[]): LonLat[] {
  return legs.flatMap((leg) => (leg.at ? [leg.at] : leg.points.map((p) => p.at)));
}

export interface Moment {
  readonly leg: number;
  readonly at: LonLat;
  readonly speedMps: number | null;
  /** Degrees from north; null where nobody moves, or nobody knows. */
  readonly courseDeg: number | null;
}

/** Where somebody was at a moment: on a trip between two points, at a stop its centre, in a gap where they were last seen. Null for an empty track. */
export function momentAt(track: Track, time: number): Moment | null {
  const index = legAt(track, time);
  const leg = track.legs[index];
  if (!leg) return null;
  if (leg.kind === "stop" && leg.at) return { leg: index, at: leg.at, speedMps: 0, courseDeg: null };
  const first = leg.points[0];
  if (!first) return null;
  if (leg.kind === "gap") return { leg: index, at: first.at, speedMps: null, courseDeg: null };
  const i = lastIndex(leg.points, time);
  const [a, b] = [leg.points[i] ?? first, leg.points[i + 1]];
  if (!b) return { leg: index, at: a.at, speedMps: a.speedMps, courseDeg: courseOf(leg.points[i - 1]?.at, a.at) };
  const part = Math.min(1, Math.max(0, (time - a.time) / Math.max(1, b.time - a.time)));
  const at: LonLat = [a.at[0] + (b.at[0] - a.at[0]) * part, a.at[1] + (b.at[1] - a.at[1]) * part];
  return { leg: index, at, speedMps: b.speedMps ?? a.speedMps, courseDeg: courseOf(a.at, b.at) };
}

/** The leg that a moment lies in; between two, the one before; -1 for an empty track. */
export function legAt(track: Track, time: number): number {
  if (track.legs.length === 0) return -1;
  const after = track.legs.findIndex((leg) => leg.from > time);
  return Math.max(0, (after === -1 ? track.legs.length : after) - 1);
}

function lastIndex(points: readonly WayPoint[], time: number): number {
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((points[middle]?.time ?? Infinity) <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

function courseOf(a: LonLat | undefined, b: LonLat): number | null {
  if (!a || distanceM(a, b) < 1) return null;
  const east = (b[0] - a[0]) * Math.cos((b[1] * Math.PI) / 180);
  return ((Math.atan2(east, b[1] - a[1]) * 180) / Math.PI + 360) % 360;
}

/** Up to which speed (m/s) each colour is used; the last has no end. In km/h: 6, 20, 50, 90. */
export const SPEED_STEPS_MPS = [6 / 3.6, 20 / 3.6, 50 / 3.6, 90 / 3.6] as const;

/** Which colour a speed has, from 0; what is not known has the slowest. */
export function speedStep(mps: number | null): number {
  const step = SPEED_STEPS_MPS.findIndex((most) => (mps ?? 0) < most);
  return step === -1 ? SPEED_STEPS_MPS.length : step;
}

export interface Run {
  readonly step: number;
  readonly line: readonly LonLat[];
}

/** A trip as lines of one colour each, which touch. */
export function runs(leg: Leg): Run[] {
  const out: { step: number; line: LonLat[] }[] = [];
  for (let i = 1; i < leg.points.length; i++) {
    const [a, b] = [leg.points[i - 1], leg.points[i]];
    if (!a || !b) continue;
    const step = speedStep(b.speedMps);
    const last = out.at(-1);
    if (last?.step === step) last.line.push(b.at);
    else out.push({ step, line: [a.at, b.at] });
  }
  return out;
}

/** The point of the trips that is nearest to a place, for who points at the way. */
export function nearest(track: Track, place: LonLat): WayPoint | null {
  let best: WayPoint | null = null;
  let least = Infinity;
  const narrow = Math.cos((place[1] * Math.PI) / 180);
  for (const leg of track.legs) {
    if (leg.kind !== "trip") continue;
    for (let i = 0; i < leg.points.length; i++) {
      const [a, b] = [leg.points[i], leg.points[i + 1] ?? leg.points[i]];
      if (!a || !b) continue;
      const [dx, dy] = [(b.at[0] - a.at[0]) * narrow, b.at[1] - a.at[1]];
      const [px, py] = [(place[0] - a.at[0]) * narrow, place[1] - a.at[1]];
      const along = dx === 0 && dy === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / (dx * dx + dy * dy)));
      const away = (px - along * dx) ** 2 + (py - along * dy) ** 2;
      if (away >= least) continue;
      least = away;
      best = {
        time: a.time + along * (b.time - a.time),
        at: [a.at[0] + along * (b.at[0] - a.at[0]), a.at[1] + along * (b.at[1] - a.at[1])],
        speedMps: b.speedMps ?? a.speedMps,
      };
    }
  }
  return best;
}
