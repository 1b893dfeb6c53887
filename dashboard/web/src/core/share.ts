// What a link to one person's position tells, and for how long a link may be made.

import type { Entry } from "./list";
import { blank, type State } from "./person";
import { age, distance } from "./format";

/** The answer of GET shared. Times are the server's, in milliseconds. */
export interface Shared {
  /** "" if it is not known. */
  readonly name: string;
  readonly state: State;
  readonly place: { readonly lat: number; readonly lon: number; readonly accuracyM: number | null; readonly seenAt: number } | null;
  readonly at: number;
  readonly expiresAt: number;
  readonly seq: number;
}

/** A link of the list of those that are active. */
export interface Share {
  readonly id: string;
  readonly note: string;
  readonly createdBy: string;
  readonly expiresAt: number;
}

const STATES: readonly State[] = ["live", "late", "offline", "off_shift", "never"];

/** Reads the answer with suspicion; null if it makes no sense. */
export function parseShared(v: unknown): Shared | null {
  if (!isFields(v)) return null;
  const state = STATES.find((s) => s === v.state);
  const [at, expiresAt, seenAt] = [v.at, v.expires_at, v.seen_at].map(time);
  if (!state || at == null || expiresAt == null || typeof v.seq !== "number" || !Number.isSafeInteger(v.seq) || v.seq < 0) return null;
  const { lat, lon, accuracy_m } = v;
  const known = typeof lat === "number" && typeof lon === "number" && Math.abs(lat) <= 90 && Math.abs(lon) <= 180 && seenAt != null;
  return {
    name: typeof v.name === "string" ? v.name : "",
    state,
    place: known ? { lat, lon, accuracyM: typeof accuracy_m === "number" ? accuracy_m : null, seenAt } : null,
    at,
    expiresAt,
    seq: v.seq,
  };
}

export function parseShares(v: unknown): Share[] | null {
  if (!isFields(v) || !Array.isArray(v.shares)) return null;
  return v.shares.filter(isFields).flatMap((s) => {
    const expiresAt = time(s.expires_at);
    if (typeof s.id !== "string" || expiresAt === null) return [];
    return [{ id: s.id, note: typeof s.note === "string" ? s.note : "", createdBy: typeof s.created_by === "string" ? s.created_by : "", expiresAt }];
  });
}

/** The state in words for somebody who does not know the product, and what they rest on. */
export function sharedWords(shared: Shared, now: number): { title: string; detail: string } {
  const { place, state } = shared;
  if (state === "off_shift") return { title: "Off duty", detail: "The position is not shown outside working hours." };
  if (!place) return { title: "No position yet", detail: "It is shown here as soon as there is one." };
  const ago = `${age(now - place.seenAt)} ago`;
  const accuracy = place.accuracyM === null ? "" : `to within ${distance(Math.max(1, place.accuracyM))}`;
  if (state === "live") return { title: "Live", detail: accuracy ? `Seen ${ago}, ${accuracy}` : `Seen ${ago}` };
  return { title: `Last seen ${ago}`, detail: accuracy ? `Then ${accuracy}` : "" };
}

/** The person as the map draws people. */
export function sharedEntry(shared: Shared): Entry | null {
  const { place } = shared;
  if (!place) return null;
  return {
    person: {
      ...blank("shared", shared.name),
      fix: {
        lat: place.lat, lon: place.lon, accuracyM: place.accuracyM, recordedAt: place.seenAt, receivedAt: place.seenAt, seq: shared.seq,
        altitudeM: null, speedMps: null, courseDeg: null, batteryPct: null, charging: null, trigger: "", network: "", quality: "ok",
      },
    },
    state: shared.state,
    moving: false,
  };
}

export type Length = "15m" | "1h" | "4h" | "day";
export const LENGTHS: readonly (readonly [Length, string])[] = [["15m", "15 min"], ["1h", "1 hour"], ["4h", "4 hours"], ["day", "Today"]];

const DAY_S = 86_400;

/** How long a link of this length lasts, in seconds; a zone of "" is this device's. */
export function secondsOf(length: Length, now: number, zone: string): number {
  switch (length) {
    case "15m":
      return 15 * 60;
    case "1h":
      return 60 * 60;
    case "4h":
      return 4 * 60 * 60;
    case "day":
      return Math.min(DAY_S, Math.max(60, secondsToMidnight(now, zone)));
  }
}

/** The seconds until the next midnight in a zone; days on which clocks change included. */
export function secondsToMidnight(now: number, zone: string): number {
  const left = DAY_S - secondOfDay(now, zone);
  const then = secondOfDay(now + left * 1000, zone); // 0, unless clocks change today
  return left - (then < DAY_S / 2 ? then : then - DAY_S);
}

function secondOfDay(ms: number, zone: string): number {
  const format = new Intl.DateTimeFormat("en", { hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23", ...(zone ? { timeZone: zone } : {}) });
  const parts = Object.fromEntries(format.formatToParts(ms).map((p) => [p.type, Number(p.value)]));
  return (parts.hour ?? 0) * 3600 + (parts.minute ?? 0) * 60 + (parts.second ?? 0);
}

type Fields = Record<string, unknown>;
const isFields = (v: unknown): v is Fields => typeof v === "object" && v !== null && !Array.isArray(v);

function time(v: unknown): number | null {
  const ms = typeof v === "string" ? Date.parse(v) : NaN;
  return Number.isNaN(ms) ? null : ms;
}
