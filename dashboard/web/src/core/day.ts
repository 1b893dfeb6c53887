// A person's day in figures, as the server derives it from the stored fixes.

import { distance, duration } from "./format";

export interface Day {
  /** The day's date where the viewer's clock is: "2026-11-23". */
  readonly date: string;
  /** Its two midnights. */
  readonly from: number;
  readonly to: number;
  readonly fixes: number;
  readonly distanceM: number;
  readonly movingS: number;
  readonly trips: number;
  readonly stops: number;
  readonly gaps: number;
  readonly gapsS: number;
}

/** Reads the body of GET days; null if it is none. Days that make no sense are left out. */
export function parseDays(v: unknown): Day[] | null {
  const days = (v as { days?: unknown } | null)?.days;
  if (!Array.isArray(days)) return null;
  return days.map(parseDay).filter((d) => d !== null);
}

function parseDay(v: unknown): Day | null {
  if (typeof v !== "object" || v === null) return null;
  const fields = v as Record<string, unknown>;
  const n = (key: string): number => {
    const value = fields[key];
    return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : 0;
  };
  if (typeof fields.date !== "string" || !/^\d{4}-\d\d-\d\d$/.test(fields.date)) return null;
  const [from, to] = [Date.parse(String(fields.from)), Date.parse(String(fields.to))];
  if (!(from < to)) return null;
  return {
    date: fields.date, from, to, fixes: n("fixes"), distanceM: n("distance_m"), movingS: n("moving_s"),
    trips: n("trips"), stops: n("stops"), gaps: n("gaps"), gapsS: n("gaps_s"),
  };
}

/** The date of a moment in a time zone ("" is this device's), as the server writes it. */
export function dateIn(zone: string, ms: number): string {
  const parts = new Intl.DateTimeFormat("en", { year: "numeric", month: "2-digit", day: "2-digit", ...(zone && { timeZone: zone }) }).formatToParts(ms);
  const part = (type: string): string => parts.find((p) => p.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")}`;
}

/** A day in a line: "11.4 km · 6 stops · 2 h 10 min moving". */
export function dayText(day: Day): string {
  if (day.fixes === 0) return "Nothing recorded";
  const words = [distance(day.distanceM), `${day.stops} ${day.stops === 1 ? "stop" : "stops"}`];
  if (day.movingS >= 60) words.push(`${duration(day.movingS)} moving`);
  return words.join(" · ");
}

/** What is not in the figures of a day; empty if nothing is missing. */
export function missingText(day: Day): string {
  if (day.gaps === 0) return "";
  return `${day.gaps} ${day.gaps === 1 ? "gap" : "gaps"} of ${duration(day.gapsS)} in all, not counted`;
}
