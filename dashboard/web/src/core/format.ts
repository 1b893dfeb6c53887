// Numbers as people read them.

import type { Style } from "./style";

let style: Style = { units: "metric", clock: "language", zone: "" };

/** Sets how everything is written from now on. */
export function write(chosen: Style): void {
  style = chosen;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** An age in its largest whole unit: "3 s", "9 min", "5 h", "2 d". Ages below zero are 0 s. */
export function age(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < MINUTE) return `${s} s`;
  if (s < HOUR) return `${Math.floor(s / MINUTE)} min`;
  if (s < DAY) return `${Math.floor(s / HOUR)} h`;
  return `${Math.floor(s / DAY)} d`;
}

/** A length of time in hours and minutes: "2 h 10 min"; from a day on in hours. */
export function duration(s: number): string {
  const minutes = Math.round(s / MINUTE);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return minutes >= 24 * 60 || rest === 0 ? `${Math.round(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

/** A moment on the viewer's clock; with the date if it is not today there. */
export function clockTime(ms: number, now: number): string {
  const day = new Intl.DateTimeFormat("en", { dateStyle: "short", ...zone() });
  const options: Intl.DateTimeFormatOptions = day.format(ms) === day.format(now)
    ? { hour: hour(), minute: "2-digit", second: "2-digit" }
    : { day: "numeric", month: "short", hour: hour(), minute: "2-digit" };
  return new Intl.DateTimeFormat(undefined, { ...options, ...zone(), ...hours(), ...named() }).format(ms);
}

/** A moment's hours and minutes on the viewer's clock, with seconds where they matter. */
export function timeOfDay(ms: number, seconds = false): string {
  const options: Intl.DateTimeFormatOptions = { hour: hour(), minute: "2-digit", ...(seconds && { second: "2-digit" }) };
  return new Intl.DateTimeFormat(undefined, { ...options, ...zone(), ...hours() }).format(ms);
}

const zone = (): Intl.DateTimeFormatOptions => (style.zone ? { timeZone: style.zone } : {});

const hours = (): Intl.DateTimeFormatOptions => (style.clock === "language" ? {} : { hourCycle: style.clock === "12" ? "h12" : "h23" });

/** Two digits, but for a clock of twelve hours, where nobody writes 09:00 am. */
function hour(): "numeric" | "2-digit" {
  return new Intl.DateTimeFormat(undefined, { hour: "numeric", ...hours() }).resolvedOptions().hour12 ? "numeric" : "2-digit";
}

/** Whoever has chosen another zone than the device's must not forget it. */
const named = (): Intl.DateTimeFormatOptions => (style.zone ? { timeZoneName: "short" } : {});

const MILE = 1609.344;
const FOOT = 0.3048;

/** Speed in km/h or mph, with a decimal below 10. */
export function speed(mps: number): string {
  const n = style.units === "metric" ? mps * 3.6 : (mps * 3600) / MILE;
  return `${n < 9.95 ? n.toFixed(1) : Math.round(n)} ${style.units === "metric" ? "km/h" : "mph"}`;
}

const WINDS = ["N", "NE", "E", "SE", "S", "SW", "W", "NW"] as const;
const WIND_WORDS = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"] as const;
const octant = (deg: number): number => ((Math.round(deg / 45) % 8) + 8) % 8;

/** A course as a compass point: "NE". */
export const wind = (deg: number): string => WINDS[octant(deg)] ?? "N";

/** A course in words: "north-east". */
export const windWord = (deg: number): string => WIND_WORDS[octant(deg)] ?? "north";

/** A length in metres or kilometres, feet or miles. */
export function distance(m: number): string {
  if (style.units === "imperial") {
    const miles = m / MILE;
    return miles < 0.19 ? height(m) : `${miles.toFixed(miles < 10 ? 1 : 0)} mi`;
  }
  if (m < 1000) return `${Math.round(m)} m`;
  return `${(m / 1000).toFixed(m < 10_000 ? 1 : 0)} km`;
}

/** A height, or a short length, in metres or feet. */
export const height = (m: number): string => (style.units === "metric" ? `${Math.round(m)} m` : `${Math.round(m / FOOT)} ft`);

/** Coordinates for people and for pasting elsewhere; five decimals are a metre. */
export const coordinates = (lat: number, lon: number): string => `${lat.toFixed(5)}, ${lon.toFixed(5)}`;

const MARKS: Record<string, string> = {
  future: "The phone’s clock is ahead of the server’s.",
  stale: "Recorded long before it was sent.",
  inaccurate: "Too inaccurate to act on.",
  jump: "Farther from the last position than anyone travels.",
  mock: "The phone says that this location is simulated.",
  off_shift: "Recorded outside working hours.",
};

/** What is wrong with a fix, in sentences; empty if nothing is. */
export function qualityWords(quality: string): string[] {
  if (quality === "" || quality === "ok") return [];
  return quality.split(",").map((mark) => MARKS[mark] ?? `Marked “${mark}”.`);
}

const NETWORKS: Record<string, string> = { wifi: "Wi-Fi", mobile: "Mobile data", offline: "Was offline, sent later" };

export const networkWord = (network: string): string => NETWORKS[network] ?? network;

const count = new Intl.NumberFormat(undefined, { useGrouping: true });

/** A count with the viewer's thousands separator. */
export const integer = (n: number): string => count.format(n);
