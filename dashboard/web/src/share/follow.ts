// Follows one person by the token of a link: one long poll after the other, none while nobody looks.

import { signal } from "@preact/signals";
import { Backoff } from "../core/backoff";
import { parseShared, type Shared } from "../core/share";

const WAIT_S = 25;
const TIMEOUT_MS = 40_000;

/** The newest answer. */
export const shared = signal<Shared | null>(null);
/** "away": the server cannot be reached, and what is shown may be old. The last two are for good. */
export const status = signal<"loading" | "shown" | "away" | "ended" | "unknown">("loading");
/** Milliseconds to add to this machine's clock to have the server's. */
export const offset = signal(0);

/** Never ends, unless the link has. */
export async function follow(token: string): Promise<void> {
  const backoff = new Backoff();
  for (;;) {
    await seen();
    const wait = await ask(token);
    if (wait === "ended" || wait === "unknown") {
      shared.value = null;
      status.value = wait;
      return;
    }
    if (wait === "shown") {
      status.value = "shown";
      backoff.reset();
      continue;
    }
    status.value = "away";
    await sleep(Math.max(wait, backoff.next()));
  }
}

/** Asks once. A number is the milliseconds that the server wants to be left alone, 0 if it said nothing. */
async function ask(token: string): Promise<"shown" | "ended" | "unknown" | number> {
  const url = new URL("api/v1/shared", document.baseURI);
  if (shared.value && status.value === "shown") url.search = new URLSearchParams({ after: String(shared.value.seq), wait: String(WAIT_S) }).toString();
  try {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}` }, credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 410) return "ended";
    if (response.status === 404) return "unknown";
    if (!response.ok) return 1000 * (Number(response.headers.get("retry-after")) || 0);
    const answer = parseShared(await response.json());
    if (!answer) return 0;
    shared.value = answer;
    offset.value = answer.at - Date.now();
    return "shown";
  } catch {
    return 0;
  }
}

/** Waits, or until the network is back. */
const sleep = (ms: number) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    }
    addEventListener("online", done);
  });

/** Waits until the page is looked at. */
const seen = () =>
  new Promise<void>((resolve) => {
    if (!document.hidden) return resolve();
    document.addEventListener("visibilitychange", () => resolve(), { once: true });
  });
