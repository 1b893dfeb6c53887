// A person and how far their position can be trusted. The rules are those of the server (track.Position):
// it decides, the browser only lets time pass.

export type State = "live" | "late" | "offline" | "off_shift" | "never";
export type Presence = "online" | "offline";

/** Where a person's phone was last, as far as it is known. Unknown is null. Times are milliseconds since 1970. */
export interface Fix {
  readonly lat: number;
  readonly lon: number;
  readonly accuracyM: number | null;
  readonly altitudeM: number | null;
  readonly speedMps: number | null;
  readonly courseDeg: number | null;
  readonly batteryPct: number | null;
  readonly charging: boolean | null;
  readonly trigger: string;
  readonly network: string;
  readonly recordedAt: number;
  readonly receivedAt: number;
  readonly seq: number;
  /** "ok", or marks joined by commas: future, stale, inaccurate, jump, mock, off_shift. */
  readonly quality: string;
}

export interface Person {
  readonly id: string;
  readonly name: string;
  /** "": in none. null: not known yet, as live frames do not say it. */
  readonly team: string | null;
  /** null: this person has never reported. */
  readonly fix: Fix | null;
  /** The server's verdict; of these only off_shift is not a matter of time. */
  readonly offShift: boolean;
  readonly intervalS: number | null;
  readonly presence: Presence | null;
  readonly presenceSince: number | null;
}

const MIN_INTERVAL_S = 15;
const MAX_INTERVAL_S = 30 * 60;
const DEFAULT_INTERVAL_S = 5 * 60;
const TRANSPORT_S = 15;

/** The seconds that are expected between two fixes of this phone. */
export function intervalOf(person: Person): number {
  if (person.intervalS === null) return DEFAULT_INTERVAL_S;
  return Math.min(Math.max(person.intervalS, MIN_INTERVAL_S), MAX_INTERVAL_S);
}

/** The moment that a person's age counts from: a phone's clock that is ahead makes nobody younger. */
export function newestSign(fix: Fix): number {
  return Math.min(fix.recordedAt, fix.receivedAt);
}

/**
 * The state at a moment of the server's clock: live up to twice the phone's own interval (plus 15 s of
 * transport), late until six times, then offline, unless the phone is connected still.
 */
export function stateAt(person: Person, now: number): State {
  if (!person.fix) return "never";
  if (person.offShift) return "off_shift";
  const ageS = (now - newestSign(person.fix)) / 1000;
  const interval = intervalOf(person);
  if (ageS <= 2 * interval + TRANSPORT_S) return "live";
  if (ageS <= 6 * interval || person.presence === "online") return "late";
  return "offline";
}

/** Slower than this is standing: GPS noise alone measures up to half a metre a second. */
export const MOVING_MPS = 0.7;

/** Reports whether the person is on the way, which is only known of somebody who is live. */
export function isMoving(person: Person, state: State): boolean {
  return state === "live" && (person.fix?.speedMps ?? 0) >= MOVING_MPS;
}

/** A person of whom nothing is known but the name. */
export function blank(id: string, name: string): Person {
  return { id, name, team: null, fix: null, offShift: false, intervalS: null, presence: null, presenceSince: null };
}
