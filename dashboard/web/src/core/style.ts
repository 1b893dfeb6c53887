// How numbers and times are written: what a person chose, or else what their language does.

export type Units = "metric" | "imperial";
export type Clock = "language" | "12" | "24";

export interface Style {
  readonly units: Units;
  readonly clock: Clock;
  /** IANA time zone, or "" for this device's. */
  readonly zone: string;
}

/** Miles are for the roads of these countries (CLDR, measurementSystem and road usage). */
const MILES = new Set(["US", "GB", "LR", "MM"]);

/** What somebody with these languages expects who has chosen nothing. */
export function usualStyle(languages: readonly string[]): Style {
  return { units: MILES.has(regionOf(languages[0] ?? "")) ? "imperial" : "metric", clock: "language", zone: "" };
}

function regionOf(language: string): string {
  try {
    return new Intl.Locale(language).region ?? "";
  } catch {
    return ""; // not a language tag
  }
}

/** Reads what was remembered; what makes no sense is as usual. */
export function readStyle(text: string | null, usual: Style): Style {
  let kept: Record<string, unknown>;
  try {
    kept = Object(JSON.parse(text ?? "{}")) as Record<string, unknown>;
  } catch {
    return usual;
  }
  return {
    units: kept.units === "metric" || kept.units === "imperial" ? kept.units : usual.units,
    clock: kept.clock === "12" || kept.clock === "24" || kept.clock === "language" ? kept.clock : usual.clock,
    zone: typeof kept.zone === "string" && isZone(kept.zone) ? kept.zone : usual.zone,
  };
}

/** Browsers list some cities under names that nobody looks for any more. */
const RENAMED: Readonly<Record<string, string>> = {
  "Asia/Calcutta": "Asia/Kolkata", "Asia/Katmandu": "Asia/Kathmandu", "Asia/Rangoon": "Asia/Yangon", "Asia/Saigon": "Asia/Ho_Chi_Minh",
  "Europe/Kiev": "Europe/Kyiv", "America/Godthab": "America/Nuuk", "Atlantic/Faeroe": "Atlantic/Faroe", "Pacific/Truk": "Pacific/Chuuk",
};

/** The time zones that the browser knows, in order, with UTC first. */
export function zones(): readonly string[] {
  const known = new Set(Intl.supportedValuesOf("timeZone").map((z) => RENAMED[z] ?? z).filter(isZone));
  known.delete("UTC");
  return ["UTC", ...[...known].sort()];
}

/** Whether the browser knows a time zone; "" is this device's. */
export function isZone(zone: string): boolean {
  if (zone === "") return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
