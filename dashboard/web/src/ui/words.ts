// The words of the user interface that more than one place needs.

import { age, speed, wind } from "../core/format";
import type { Entry, Filter, Order } from "../core/list";
import { newestSign, type State } from "../core/person";

export const STATE_WORDS: Readonly<Record<State, string>> = {
  live: "Live",
  late: "Late",
  offline: "Offline",
  off_shift: "Off shift",
  never: "Never reported",
};

export const FILTER_WORDS: Readonly<Record<Filter, string>> = {
  all: "All",
  moving: "Moving",
  idle: "Idle",
  late: "Late",
  offline: "Offline",
  never: "Never",
};

export const ORDER_WORDS: Readonly<Record<Order, string>> = {
  urgency: "Urgency",
  name: "Name",
  newest: "Newest first",
};

/** The state in a word; of a frozen picture, what was true when it froze. */
export function stateWord(entry: Entry, frozen: boolean): string {
  if (entry.state !== "live") return STATE_WORDS[entry.state];
  if (frozen) return entry.moving ? "Was moving" : "Was idle";
  return entry.moving ? "Moving" : "Idle";
}

/** What follows the word in a row: the speed of who moves. */
export function motionText({ person: { fix }, moving }: Entry): string {
  if (!moving || fix?.speedMps == null) return "";
  const course = fix.courseDeg === null ? "" : ` ${wind(fix.courseDeg)}`;
  return `${speed(fix.speedMps)}${course}`;
}

/** How old the newest sign of somebody is; empty if there is none. */
export const ageText = (entry: Entry, now: number): string => (entry.person.fix ? age(now - newestSign(entry.person.fix)) : "");

/** What a person is called: the name, or the id of who has none. */
export const nameOf = (entry: Entry): string => entry.person.name || entry.person.id;

/** What people without a team are called. */
export const NO_TEAM = "No team";

export const LOW_BATTERY_PCT = 20;

/** When the server is tried again. */
export function retryText(retryAt: number | null, now: number): string {
  if (retryAt === null) return "Trying…";
  return `Trying again in ${Math.max(1, Math.ceil((retryAt - now) / 1000))} s.`;
}
