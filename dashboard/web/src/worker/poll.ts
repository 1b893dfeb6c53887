// The third rung: whole answers, each of which waits for a change. They go through any proxy.

import { parseFrame } from "../core/wire";
import { LinkError, type Link } from "./link";
import { asLinkError, refusal, type HttpLinkOptions } from "./stream";

/** Below the half minute after which the strictest proxies give up. */
const WAIT_S = 20;
const PATIENCE_MS = (WAIT_S + 10) * 1000;

/** Begins to ask. Resolves with the first answer, which comes at once; rejects with a [LinkError]. */
export async function openPoll(o: HttpLinkOptions): Promise<Link> {
  const ending = new AbortController();
  let after = o.after ?? 0; // a number that no server knows: everybody comes
  const ask = async (waitS: number): Promise<void> => {
    const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(PATIENCE_MS)]);
    const response = await fetch(`${o.base}positions?after=${after}&wait=${waitS}`, {
      headers: { authorization: `Bearer ${o.token}` }, cache: "no-store", signal,
    });
    if (!response.ok) throw refusal(response);
    const text = await response.text();
    const frame = parseFrame(text);
    if (!frame) throw new LinkError("the server's answer holds no frame");
    after = frame.seq;
    o.onMessage(text);
  };
  const why = (err: unknown) => asLinkError(ending.signal.aborted ? ending.signal.reason : err);
  try {
    await ask(1);
  } catch (err) {
    throw why(err);
  }
  const closed = (async (): Promise<LinkError> => {
    try {
      for (;;) await ask(WAIT_S);
    } catch (err) {
      return why(err);
    }
  })();
  return { closed, close: () => ending.abort(new LinkError("closed")) };
}
