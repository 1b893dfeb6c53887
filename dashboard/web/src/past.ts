// What the server remembers of the person who is selected: today's figures, and the way of the last minutes, which
// this page may not have seen.

import { effect, signal } from "@preact/signals";
import { dateIn, parseDays, type Day } from "./core/day";
import { parseFixes } from "./core/wire";
import { TRAIL_MS } from "./core/trail";
import { style } from "./preferences";
import { refused } from "./refusal";
import type { Store } from "./store";

const AGAIN_MS = 60_000;
const TIMEOUT_MS = 20_000;

/** Today of who is selected; null while it is not known. */
export const today = signal<{ readonly employee: string; readonly day: Day } | null>(null);

/** Keeps it up to date, until the returned function is called. */
export function watchPast(store: Store): () => void {
  let asking: AbortController | null = null;
  const ask = (way: boolean) => {
    asking?.abort();
    const employee = store.selected.peek();
    const company = store.identity.peek()?.company;
    if (!employee || !company || document.hidden) return;
    const here = (asking = new AbortController());
    const path = `api/v1/companies/${encodeURIComponent(company)}/employees/${encodeURIComponent(employee)}`;
    const signal = AbortSignal.any([here.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    void loadToday(store, employee, path, signal);
    if (way) void loadWay(store, employee, path, signal);
  };
  const stop = effect(() => {
    const { zone } = style.value;
    const employee = store.selected.value;
    void zone;
    if (today.peek()?.employee !== employee) today.value = null;
    if (employee && store.loaded.value && store.identity.value) ask(true);
  });
  const timer = setInterval(() => ask(false), AGAIN_MS);
  return () => {
    stop();
    clearInterval(timer);
    asking?.abort();
  };
}

async function loadToday(store: Store, employee: string, path: string, signal: AbortSignal): Promise<void> {
  const zone = style.peek().zone || new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const date = dateIn(zone, store.serverNow());
  const body = await get(`${path}/days?${new URLSearchParams({ from: date, to: date, tz: zone }).toString()}`, signal);
  const day = parseDays(body)?.[0];
  if (day && store.selected.peek() === employee) today.value = { employee, day };
}

async function loadWay(store: Store, employee: string, path: string, signal: AbortSignal): Promise<void> {
  const newest = store.person(employee)?.fix?.recordedAt;
  if (newest === undefined) return;
  const query = new URLSearchParams({ from: new Date(newest - TRAIL_MS).toISOString(), to: new Date(newest).toISOString() });
  const fixes = parseFixes(await get(`${path}/fixes?${query.toString()}`, signal));
  if (fixes) store.learnWay(employee, fixes);
}

/** Null if there is no answer: it is an ornament, and the connection badge says what is wrong. */
async function get(path: string, signal: AbortSignal): Promise<unknown> {
  try {
    const response = await fetch(new URL(path, document.baseURI), { credentials: "same-origin", signal });
    if (response.status === 401) refused();
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
