// The second rung: the frames as server-sent events. Read by fetch, because an EventSource can send no token.

import { EventReader } from "../core/events";
import { LinkError, type Link } from "./link";

export interface HttpLinkOptions {
  /** The address of the company's interface, with a slash at the end. */
  readonly base: string;
  readonly token: string;
  /** The last change that is known; null if nothing is: then everybody comes first. */
  readonly after: number | null;
  readonly onMessage: (payload: string) => void;
}

/** The first frame comes at once; what brings none is held back on the way. */
const FIRST_MS = 6_000;
/** The server says every 15 s that it lives. */
const SILENCE_MS = 40_000;
const ENDS: Readonly<Record<string, LinkError>> = {
  expired: new LinkError("the connection's time was over", true),
  revoked: new LinkError("the server refused the token", true),
  stopping: new LinkError("the server is shutting down"),
};

/** Opens the stream. Resolves when the first event has come; rejects with a [LinkError]. */
export async function openStream(o: HttpLinkOptions): Promise<Link> {
  const ending = new AbortController();
  let silence = setTimeout(() => ending.abort(new LinkError("the stream is held back", false, false)), FIRST_MS);
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => ending.abort(new LinkError("the stream fell silent", false, false)), SILENCE_MS);
  };
  try {
    const query = o.after === null ? "" : `?after=${o.after}`;
    const response = await fetch(`${o.base}stream${query}`, { headers: { authorization: `Bearer ${o.token}` }, cache: "no-store", signal: ending.signal });
    if (!response.ok || !response.body) throw refusal(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let first = () => {};
    const began = new Promise<void>((resolve) => (first = resolve));
    const closed = follow(reader, (event) => {
      heard();
      if (event.type === "message") o.onMessage(event.data);
      first();
    }).catch((err: unknown) => asLinkError(ending.signal.aborted ? ending.signal.reason : err)).finally(() => clearTimeout(silence));
    await Promise.race([began, closed.then((err) => Promise.reject(err))]);
    return { closed, close: () => ending.abort(new LinkError("closed")) };
  } catch (err) {
    clearTimeout(silence);
    throw asLinkError(ending.signal.aborted ? ending.signal.reason : err);
  }
}

/** Reads until the stream ends; returns why. */
async function follow(reader: ReadableStreamDefaultReader<string>, onEvent: (event: { type: string; data: string }) => void): Promise<LinkError> {
  const events = new EventReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new LinkError("it broke off");
    for (const event of events.read(value)) {
      if (event.type === "end") return ENDS[reasonOf(event.data)] ?? new LinkError("the server closed the connection");
      onEvent(event);
    }
  }
}

function reasonOf(data: string): string {
  try {
    return String((JSON.parse(data) as { reason?: unknown } | null)?.reason);
  } catch {
    return "";
  }
}

/** An answer that is none of a stream. */
export function refusal(response: Response): LinkError {
  if (response.status === 401) return new LinkError("the server refused the token", true);
  if (response.status === 429) return new LinkError("the server is busy");
  return new LinkError(`the server answers ${response.status}`, false, response.status < 500);
}

export const asLinkError = (err: unknown): LinkError => (err instanceof LinkError ? err : new LinkError("the server cannot be reached", false, false));
