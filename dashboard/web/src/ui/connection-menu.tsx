// Whether the picture is live, in a word; and behind it what somebody needs to know who is asked for help.

import type { Connection } from "../core/connection";
import { age, timeOfDay } from "../core/format";
import { CLIMB_AFTER_MS, type Rung } from "../core/ladder";
import type { Store } from "../store";
import { usePopover } from "./popover";
import { retryText } from "./words";

const WORDS: Readonly<Record<Connection["name"], string>> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  offline: "No network",
  expired: "Logged out",
};

const OVER: Readonly<Record<Rung, string>> = {
  websocket: "MQTT over WebSocket",
  stream: "Event stream (SSE)",
  poll: "Long polling",
};

/** Green only while every change is really coming in. */
export function ConnectionMenu({ store, onRetry }: { store: Store; onRetry: () => void }) {
  const { open, setOpen, root } = usePopover();
  const { name } = store.connection.value;
  const { rung } = store.ladder.value;
  return (
    <div class="menu" ref={root}>
      <button class={`badge badge-${name}`} aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(!open)} data-testid="connection" data-rung={rung} title="Connection">
        <span class="badge-dot" />
        {WORDS[name]}
      </button>
      <span class="visually-hidden" role="status">{name === "live" ? "" : WORDS[name]}</span>
      {open && <Details store={store} onRetry={onRetry} />}
    </div>
  );
}

function Details({ store, onRetry }: { store: Store; onRetry: () => void }) {
  store.now.value; // counts with the second
  const connection = store.connection.value;
  const ladder = store.ladder.value;
  const now = Date.now();
  const lower = ladder.rung !== "websocket";
  const away = connection.name === "reconnecting" || connection.name === "offline";
  return (
    <div class="menu-panel connection" role="dialog" aria-label="Connection" data-testid="connection-menu">
      <div class="menu-head">
        <strong>{WORDS[connection.name]} for {age(now - connection.since)}</strong>
        <span>since {timeOfDay(connection.since, true)}</span>
      </div>
      <dl>
        {connection.name === "reconnecting" && <><dt>Because</dt><dd>{connection.reason}. {retryText(connection.retryAt, now)}</dd></>}
        <dt>{connection.name === "live" ? "Over" : "Tried over"}</dt><dd>{OVER[ladder.rung]}</dd>
        {lower && <><dt>Why</dt><dd>{ladder.why}. The better way is tried again every {CLIMB_AFTER_MS / 60_000} minutes.</dd></>}
        <dt>Last change</dt><dd>{store.changedAt === null ? "none yet" : `${age(now - store.changedAt)} ago`}</dd>
        <dt>This clock</dt><dd>{clock(store.offset)}</dd>
      </dl>
      {(away || lower) && connection.name !== "expired" && <button class="pill" onClick={onRetry}>{away ? "Try now" : "Try WebSocket now"}</button>}
    </div>
  );
}

/** How this machine's clock stands to the server's, by which everything is shown. */
function clock(offset: number): string {
  if (Math.abs(offset) < 1000) return "agrees with the server's";
  return `${age(Math.abs(offset))} ${offset > 0 ? "behind" : "ahead of"} the server's; the server's counts`;
}
