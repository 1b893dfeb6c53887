// Over what the changes come. MQTT over WebSocket is the best; some networks let no WebSocket through, and some
// proxies hold back whatever is not finished. Each rung carries the same frames.

export type Rung = "websocket" | "stream" | "poll";

export interface Ladder {
  readonly rung: Rung;
  /** Attempts on this rung that failed though the server answered otherwise. */
  readonly failures: number;
  /** Why it is not the first rung; "" on the first. */
  readonly why: string;
}

export const FIRST: Ladder = { rung: "websocket", failures: 0, why: "" };

/** How often a rung must fail before it is given up. A web socket may break for many reasons; a stream that brings nothing has one. */
const PATIENCE: Readonly<Record<Rung, number>> = { websocket: 2, stream: 1, poll: Infinity };
const BELOW: Readonly<Record<Rung, Rung>> = { websocket: "stream", stream: "poll", poll: "poll" };
const WHY: Readonly<Record<Rung, string>> = {
  websocket: "WebSocket connections do not get through",
  stream: "something on the way holds back event streams",
  poll: "",
};

/** How long a lower rung is used before the first is tried again. */
export const CLIMB_AFTER_MS = 5 * 60_000;

/**
 * The ladder after an attempt that failed. `reachable`: the server answers ordinary requests, so it is the rung's
 * fault. A server that is away is away on all rungs.
 */
export function failed(ladder: Ladder, reachable: boolean): Ladder {
  if (!reachable) return ladder;
  const failures = ladder.failures + 1;
  if (failures < PATIENCE[ladder.rung]) return { ...ladder, failures };
  return { rung: BELOW[ladder.rung], failures: 0, why: WHY[ladder.rung] || ladder.why };
}

/** The ladder after an attempt that worked. */
export const worked = (ladder: Ladder): Ladder => (ladder.failures === 0 ? ladder : { ...ladder, failures: 0 });
