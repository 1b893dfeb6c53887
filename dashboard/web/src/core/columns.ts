// People as columns: how the worker hands them to the page. One Float64Array changes hands without being
// copied, and a few arrays of strings are cheap; five thousand objects would cost the page a tenth of a second.

import type { Fix, Person, Presence } from "./person";

export interface Columns {
  readonly ids: string[];
  readonly names: string[];
  readonly teams: (string | null)[];
  readonly qualities: string[];
  readonly triggers: string[];
  readonly networks: string[];
  /** STRIDE numbers for each person; NaN is unknown. */
  readonly numbers: Float64Array<ArrayBuffer>;
}

const STRIDE = 15;
const PRESENCES: readonly (Presence | null)[] = [null, "online", "offline"];

export function pack(people: readonly Person[]): Columns {
  const numbers = new Float64Array(people.length * STRIDE);
  people.forEach((p, i) => {
    const f = p.fix;
    const row: (number | null | undefined)[] = [
      f?.lat, f?.lon, f?.accuracyM, f?.altitudeM, f?.speedMps, f?.courseDeg, f?.batteryPct,
      f?.charging == null ? null : Number(f.charging),
      f?.recordedAt, f?.receivedAt, f?.seq,
      Number(p.offShift), p.intervalS, PRESENCES.indexOf(p.presence), p.presenceSince,
    ];
    numbers.set(row.map((n) => n ?? NaN), i * STRIDE);
  });
  return {
    ids: people.map((p) => p.id),
    names: people.map((p) => p.name),
    teams: people.map((p) => p.team),
    qualities: people.map((p) => p.fix?.quality ?? ""),
    triggers: people.map((p) => p.fix?.trigger ?? ""),
    networks: people.map((p) => p.fix?.network ?? ""),
    numbers,
  };
}

export function unpack(columns: Columns): Person[] {
  return columns.ids.map((id, i) => {
    const at = (k: number) => columns.numbers[i * STRIDE + k] ?? NaN;
    const known = (k: number) => (Number.isNaN(at(k)) ? null : at(k));
    const fix: Fix | null = Number.isNaN(at(0))
      ? null
      : {
          lat: at(0),
          lon: at(1),
          accuracyM: known(2),
          altitudeM: known(3),
          speedMps: known(4),
          courseDeg: known(5),
          batteryPct: known(6),
          charging: known(7) === null ? null : at(7) === 1,
          recordedAt: at(8),
          receivedAt: at(9),
          seq: at(10),
          quality: columns.qualities[i] ?? "ok",
          trigger: columns.triggers[i] ?? "",
          network: columns.networks[i] ?? "",
        };
    return {
      id,
      name: columns.names[i] ?? "",
      team: columns.teams[i] ?? null,
      fix,
      offShift: at(11) === 1,
      intervalS: known(12),
      presence: PRESENCES[at(13)] ?? null,
      presenceSince: known(14),
    };
  });
}
