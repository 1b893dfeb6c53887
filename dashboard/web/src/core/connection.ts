// The connection to the server as a state machine. Times are this machine's clock.

export type Connection =
  | { readonly name: "connecting"; readonly since: number }
  | { readonly name: "live"; readonly since: number }
  /** Lost, and tried again: at `retryAt`, or right now if that is null. */
  | { readonly name: "reconnecting"; readonly since: number; readonly attempt: number; readonly retryAt: number | null; readonly reason: string }
  /** The browser says that there is no network; trying is pointless until it says otherwise. */
  | { readonly name: "offline"; readonly since: number }
  /** The session has ended: somebody has to log in again. */
  | { readonly name: "expired"; readonly since: number };

export type ConnectionEvent =
  | { readonly type: "start" | "trying" | "synced" | "networkDown" | "networkUp" | "refused" | "signedIn"; readonly at: number }
  | { readonly type: "lost"; readonly at: number; readonly retryAt: number; readonly reason: string };

/** Returns the state after an event. Events that mean nothing in a state leave it as it is. */
export function next(state: Connection, event: ConnectionEvent): Connection {
  const { at } = event;
  switch (event.type) {
    case "start":
    case "signedIn":
      return { name: "connecting", since: at };
    case "refused":
      return state.name === "expired" ? state : { name: "expired", since: at };
    case "synced":
      return state.name === "live" || state.name === "expired" ? state : { name: "live", since: at };
    case "networkDown":
      return state.name === "offline" || state.name === "expired" ? state : { name: "offline", since: downSince(state, at) };
    case "networkUp":
      return state.name === "offline" ? again(state, at, null, "network is back") : state;
    case "trying":
      return state.name === "reconnecting" ? { ...state, retryAt: null } : state;
    case "lost":
      if (state.name === "offline" || state.name === "expired") return state;
      return again(state, at, event.retryAt, event.reason);
  }
}

function again(state: Connection, at: number, retryAt: number | null, reason: string): Connection {
  const attempt = state.name === "reconnecting" ? state.attempt + 1 : 1;
  return { name: "reconnecting", since: downSince(state, at), attempt, retryAt, reason };
}

/** The moment from which on positions may be old. */
function downSince(state: Connection, at: number): number {
  return state.name === "live" ? at : state.since;
}

/** How long a connection may be away before a banner says so; shorter losses are not worth a flicker. */
export const BANNER_AFTER_MS = 3_000;

/** Reports whether the state is worth a banner over the map. */
export function needsBanner(state: Connection, now: number): boolean {
  return state.name !== "live" && state.name !== "expired" && now - state.since >= BANNER_AFTER_MS;
}
