// The days that the history shows: one, or up to a week, as dates where the viewer's clock is.

export interface Period {
  /** The first day: "2026-11-23". */
  readonly from: string;
  /** The last day, included. */
  readonly to: string;
}

/** What the server derives a track of at a time. */
export const MOST_DAYS = 7;

const DATE = /^\d{4}-\d\d-\d\d$/;

/** Reads "2026-11-23" or "2026-11-17..2026-11-23"; null if it is neither, or too long. */
export function parsePeriod(text: string | null): Period | null {
  const [from = "", to = from] = (text ?? "").split("..");
  if (!isDate(from) || !isDate(to) || to < from || daysBetween(from, to) >= MOST_DAYS) return null;
  return { from, to };
}

export const formatPeriod = ({ from, to }: Period): string => (from === to ? from : `${from}..${to}`);

/** Whether it is a day of the calendar. */
export function isDate(text: string): boolean {
  return DATE.test(text) && utc(text).toISOString().startsWith(text);
}

/** A date so many days later. Dates have no hours, so no clock that changes can confuse them. */
export function addDays(date: string, days: number): string {
  const d = utc(date);
  d.setUTCDate(d.getUTCDate() + days);
  return d.toISOString().slice(0, 10);
}

export const daysBetween = (from: string, to: string): number => Math.round((utc(to).getTime() - utc(from).getTime()) / 86_400_000);

/** The same number of days, so many of its lengths later; never beyond today, if that is given. */
export function shift(period: Period, by: number, today: string): Period {
  const length = daysBetween(period.from, period.to) + 1;
  const to = [addDays(period.to, by * length), today].sort()[0] ?? today;
  return { from: addDays(to, 1 - length), to };
}

/** A period that ends or begins where it was moved to, and holds no more than it may. */
export function withFrom({ to }: Period, from: string): Period {
  const last = to < from ? from : to;
  return { from, to: daysBetween(from, last) >= MOST_DAYS ? addDays(from, MOST_DAYS - 1) : last };
}

export function withTo({ from }: Period, to: string): Period {
  const first = from > to ? to : from;
  return { from: daysBetween(first, to) >= MOST_DAYS ? addDays(to, 1 - MOST_DAYS) : first, to };
}

/** "Mon, 23 Nov", with the year where it is not this one. */
export function dateText(date: string, today: string): string {
  const year = date.slice(0, 4) === today.slice(0, 4) ? {} : { year: "numeric" as const };
  const text = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", ...year, timeZone: "UTC" }).format(utc(date));
  if (date === today) return `Today, ${text}`;
  return date === addDays(today, -1) ? `Yesterday, ${text}` : text;
}

const utc = (date: string): Date => {
  const d = new Date(`${date}T00:00:00Z`);
  return Number.isNaN(d.getTime()) ? new Date(0) : d;
};
