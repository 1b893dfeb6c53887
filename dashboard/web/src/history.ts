// The history of the person who is selected: what the server knows of the days that are shown, and the replay of it.

import { batch, computed, effect, signal, type ReadonlySignal } from "@preact/signals";
import { dateIn, parseDays, type Day } from "./core/day";
import { addDays, daysBetween, type Period } from "./core/period";
import { advance, skips, type Speed } from "./core/replay";
import { extent, momentAt, parseTrack, type Moment, type Track } from "./core/track";
import { style } from "./preferences";
import { refused } from "./refusal";
import type { Store } from "./store";

/** How many days the list of days has. */
const LISTED_DAYS = 14;
const AGAIN_MS = 60_000;
const TIMEOUT_MS = 30_000;
/** A frame that comes later than this was not shown in time: the replay waits rather than jumps. */
const LONGEST_FRAME_MS = 250;

export type Status =
  | { readonly name: "loading" | "ready" | "nobody" }
  | { readonly name: "failed"; readonly problem: string };

export class History {
  readonly status = signal<Status>({ name: "loading" });
  /** The last days, newest first; empty while they are not known. */
  readonly days = signal<readonly Day[]>([]);
  /** What is shown, day by day. */
  readonly shown = signal<readonly Day[]>([]);
  readonly track = signal<Track | null>(null);
  readonly time = signal(0);
  readonly playing = signal(false);
  readonly speed = signal<Speed>(16);
  readonly moment: ReadonlySignal<Moment | null>;
  /** The replay is faster than was chosen, because there is nothing to be seen. */
  readonly skipping: ReadonlySignal<boolean>;

  #key = "";
  #asking: AbortController | null = null;
  #frame = 0;
  #last = 0;
  #stops: (() => void)[] = [];

  constructor(private readonly store: Store) {
    this.moment = computed(() => (this.track.value ? momentAt(this.track.value, this.time.value) : null));
    this.skipping = computed(() => Boolean(this.playing.value && this.track.value && skips(this.track.value, this.time.value, this.speed.value)));
  }

  /** Follows what is selected until the returned function is called. */
  watch(): () => void {
    this.#stops.push(effect(() => {
      const { zone } = style.value;
      const [employee, period, company] = [this.store.selected.value, this.store.history.value, this.store.identity.value?.company];
      if (!period || !company) return;
      if (!employee) return void (this.status.value = { name: "nobody" });
      const key = JSON.stringify([zone, employee, company, period]);
      if (key === this.#key) return;
      this.#key = key;
      void this.#load(true);
    }));
    this.#stops.push(effect(() => {
      // What failed while the server was away is asked for again when it is back.
      if (this.store.connection.value.name === "live" && this.status.peek().name === "failed") void this.#load(true);
    }));
    const timer = setInterval(() => this.#again(), AGAIN_MS);
    const hidden = () => document.hidden && this.pause();
    document.addEventListener("visibilitychange", hidden);
    return () => {
      this.pause();
      clearInterval(timer);
      document.removeEventListener("visibilitychange", hidden);
      this.#asking?.abort();
      this.#stops.forEach((stop) => stop());
    };
  }

  /** The date that it is for the viewer. */
  today(): string {
    return dateIn(zoneName(), this.store.serverNow());
  }

  /** Asks again for what is shown. */
  retry(): void {
    void this.#load(true);
  }

  /** Where the fixes that are shown may be downloaded. */
  exportAddress(format: string): string | null {
    const [first, last] = [this.shown.value[0], this.shown.value.at(-1)];
    const path = this.#path();
    if (!first || !last || !path) return null;
    const query = new URLSearchParams({ format, from: new Date(first.from).toISOString(), to: new Date(last.to).toISOString() });
    return new URL(`${path}/export?${query.toString()}`, document.baseURI).href;
  }

  seek(time: number): void {
    const ends = this.track.peek() && extent(this.track.peek() as Track);
    if (ends) this.time.value = Math.min(Math.max(time, ends.from), ends.to);
  }

  toggle(): void {
    if (this.playing.peek()) return this.pause();
    const track = this.track.peek();
    const ends = track && extent(track);
    if (!ends) return;
    if (this.time.peek() >= ends.to) this.time.value = ends.from;
    this.playing.value = true;
    this.#last = performance.now();
    this.#frame = requestAnimationFrame(this.#tick);
  }

  pause(): void {
    cancelAnimationFrame(this.#frame);
    this.playing.value = false;
  }

  #tick = (now: number): void => {
    const track = this.track.peek();
    const ends = track && extent(track);
    if (!ends) return this.pause();
    const elapsed = Math.min(LONGEST_FRAME_MS, Math.max(0, now - this.#last));
    this.#last = now;
    this.time.value = advance(track, this.time.peek(), elapsed, this.speed.peek());
    if (this.time.peek() >= ends.to) return this.pause();
    this.#frame = requestAnimationFrame(this.#tick);
  };

  /** Today grows. */
  #again(): void {
    if (document.hidden || this.playing.peek() || this.store.history.peek()?.to !== this.today()) return;
    if (this.status.peek().name === "ready") void this.#load(false);
  }

  #path(): string | null {
    const [employee, company] = [this.store.selected.peek(), this.store.identity.peek()?.company];
    if (!employee || !company) return null;
    return `api/v1/companies/${encodeURIComponent(company)}/employees/${encodeURIComponent(employee)}`;
  }

  async #load(anew: boolean): Promise<void> {
    const [path, period] = [this.#path(), this.store.history.peek()];
    if (!path || !period) return;
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    const signal = AbortSignal.any([asking.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    if (anew) {
      this.pause();
      batch(() => {
        this.status.value = { name: "loading" };
        this.track.value = null;
        this.shown.value = [];
      });
    }
    try {
      const [shown, track] = await this.#fetchShown(path, period, signal);
      if (asking.signal.aborted) return;
      batch(() => {
        this.shown.value = shown;
        this.track.value = track;
        if (anew) this.time.value = extent(track)?.from ?? 0;
        this.status.value = { name: "ready" };
      });
      const days = await this.#fetchDays(path, this.#listed(period), signal);
      if (!asking.signal.aborted) this.days.value = days.reverse();
    } catch (err) {
      if (!asking.signal.aborted && anew) this.status.value = { name: "failed", problem: this.#problem(err) };
    }
  }

  async #fetchShown(path: string, period: Period, signal: AbortSignal): Promise<[Day[], Track]> {
    const days = await this.#fetchDays(path, period, signal);
    const [first, last] = [days[0], days.at(-1)];
    if (!first || !last) throw new Error("the server's answer holds no days");
    const query = new URLSearchParams({
      from: new Date(first.from).toISOString(), to: new Date(last.to).toISOString(),
      simplify: String(days.length > 2 ? 10 : 3), // metres: less than a line on the map is wide
    });
    const track = parseTrack(await get(`${path}/track?${query.toString()}`, signal));
    if (!track) throw new Error("the server's answer holds no track");
    return [days, track];
  }

  async #fetchDays(path: string, { from, to }: Period, signal: AbortSignal): Promise<Day[]> {
    const query = new URLSearchParams({ from, to, tz: zoneName() });
    const days = parseDays(await get(`${path}/days?${query.toString()}`, signal));
    if (!days) throw new Error("the server's answer holds no days");
    return days;
  }

  /** The days around what is shown: the last two weeks, or those that end with it. */
  #listed(period: Period): Period {
    const today = this.today();
    const to = daysBetween(period.from, today) < LISTED_DAYS ? today : period.to;
    return { from: addDays(to, 1 - LISTED_DAYS), to };
  }

  #problem(err: unknown): string {
    if (err instanceof Refused && err.status === 401) {
      refused();
      return "The session is over. Log in again to go on.";
    }
    if (err instanceof Refused && err.status === 404) return "There is no such person, or they are not yours to see.";
    if (err instanceof Refused) return `The server answers ${err.status}.`;
    return "The server cannot be reached.";
  }
}

class Refused extends Error {
  constructor(readonly status: number) {
    super(`the server answers ${status}`);
  }
}

async function get(path: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(new URL(path, document.baseURI), { credentials: "same-origin", signal });
  if (!response.ok) throw new Refused(response.status);
  return response.json();
}

const zoneName = (): string => style.peek().zone || new Intl.DateTimeFormat().resolvedOptions().timeZone;
