// What the server sends, read with suspicion: whatever is malformed is null, never an exception.

import type { Fix, Person, Presence } from "./person";

export interface Frame {
  readonly company: string;
  readonly prev: number;
  readonly seq: number;
  readonly at: number;
  /** These are all people: the beginning of a stream. */
  readonly complete: boolean;
  readonly people: readonly Person[];
  /** Rows that could not be read. */
  readonly malformed: number;
}

/** The answer of GET positions. */
export interface Positions {
  readonly seq: number;
  /** The server's clock, or NaN. */
  readonly at: number;
  /** True: these are all people that have a position. False: only those that changed. */
  readonly complete: boolean;
  readonly people: readonly Person[];
  readonly malformed: number;
}

export interface Employee {
  readonly id: string;
  readonly name: string;
  /** "" is none. */
  readonly team: string;
  readonly presence: Presence | null;
  readonly presenceSince: number | null;
}

type Fields = Record<string, unknown>;

/** Reads a live frame from its JSON text. */
export function parseFrame(text: string): Frame | null {
  const v = json(text);
  if (!isFields(v) || v.v !== 1 || typeof v.company !== "string") return null;
  const { cols, rows } = v;
  const prev = integer(v.prev);
  const seq = integer(v.seq);
  if (prev === null || seq === null || !Array.isArray(cols) || !Array.isArray(rows)) return null;
  const people: Person[] = [];
  for (const row of rows) {
    if (!Array.isArray(row)) continue;
    const fields: Fields = {};
    cols.forEach((name, i) => (fields[String(name)] = row[i]));
    const person = parsePerson(fields);
    if (person) people.push(person);
  }
  return { company: v.company, prev, seq, at: time(v.at) ?? NaN, complete: v.complete === true, people, malformed: rows.length - people.length };
}

/** Reads the body of GET positions; `complete` says what was asked for, the answer may say otherwise. */
export function parsePositions(v: unknown, complete: boolean): Positions | null {
  if (!isFields(v) || !Array.isArray(v.positions)) return null;
  const seq = integer(v.seq);
  if (seq === null) return null;
  const people = v.positions.map(parsePerson).filter((p) => p !== null);
  const all = typeof v.complete === "boolean" ? v.complete : complete;
  return { seq, at: time(v.at) ?? NaN, complete: all, people, malformed: v.positions.length - people.length };
}

/** Reads the body of GET employees. */
export function parseEmployees(v: unknown): Employee[] | null {
  if (!isFields(v) || !Array.isArray(v.employees)) return null;
  const employees: Employee[] = [];
  for (const e of v.employees) {
    if (!isFields(e) || typeof e.id !== "string" || e.id === "") continue;
    employees.push({ id: e.id, name: word(e.name), team: word(e.team), ...parsePresence(e) });
  }
  return employees;
}

/** Reads the body of GET fixes. */
export function parseFixes(v: unknown): Fix[] | null {
  if (!isFields(v) || !Array.isArray(v.fixes)) return null;
  return v.fixes.filter(isFields).map(parseFix).filter((f) => f !== null);
}

/** Reads one position in its outward JSON. Without coordinates it is somebody of whom only the presence is known. */
export function parsePerson(v: unknown): Person | null {
  if (!isFields(v) || typeof v.employee !== "string" || v.employee === "") return null;
  return {
    id: v.employee,
    name: word(v.name),
    team: word(v.team) || null,
    fix: parseFix(v),
    offShift: v.state === "off_shift",
    intervalS: number(v.interval_s),
    ...parsePresence(v),
  };
}

function parsePresence(v: Fields): Pick<Person, "presence" | "presenceSince"> {
  const presence = v.presence === "online" || v.presence === "offline" ? (v.presence as Presence) : null;
  return { presence, presenceSince: presence ? time(v.presence_since) : null };
}

function parseFix(v: Fields): Fix | null {
  const lat = number(v.lat);
  const lon = number(v.lon);
  const recordedAt = time(v.recorded_at);
  if (lat === null || lon === null || recordedAt === null || Math.abs(lat) > 90 || Math.abs(lon) > 180) return null;
  return {
    lat,
    lon,
    accuracyM: number(v.accuracy_m),
    altitudeM: number(v.altitude_m),
    speedMps: number(v.speed_mps),
    courseDeg: number(v.course_deg),
    batteryPct: number(v.battery_pct),
    charging: typeof v.charging === "boolean" ? v.charging : null,
    trigger: word(v.trigger),
    network: word(v.network),
    recordedAt,
    receivedAt: time(v.received_at) ?? recordedAt,
    seq: integer(v.seq) ?? 0,
    quality: word(v.quality) || "ok",
  };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const isFields = (v: unknown): v is Fields => typeof v === "object" && v !== null && !Array.isArray(v);
const number = (v: unknown): number | null => (typeof v === "number" && Number.isFinite(v) ? v : null);
const integer = (v: unknown): number | null => (typeof v === "number" && Number.isSafeInteger(v) && v >= 0 ? v : null);
const word = (v: unknown): string => (typeof v === "string" ? v : "");

function time(v: unknown): number | null {
  if (typeof v !== "string") return null;
  const ms = Date.parse(v);
  return Number.isNaN(ms) ? null : ms;
}
