// Over the map, when the connection has been away long enough to matter.

import { age } from "../core/format";
import { needsBanner } from "../core/connection";
import type { Store } from "../store";
import { WarnIcon } from "./icons";
import { retryText } from "./words";

export function Banner({ store, onRetry }: { store: Store; onRetry: () => void }) {
  store.now.value; // counts with the second
  const connection = store.connection.value;
  const now = Date.now();
  if (!needsBanner(connection, now)) return null;
  const lost = age(now - connection.since);
  return (
    <div class="banner" role="status">
      <WarnIcon />
      <span>
        {connection.name === "connecting" && <>Still connecting after {lost}.</>}
        {connection.name === "offline" && <>This device has no network since {lost}. Positions are getting old.</>}
        {connection.name === "reconnecting" && (
          <>
            <strong>Connection lost {lost} ago</strong> — {connection.reason}. Positions may be old.{" "}
            <span class="banner-retry">{retryText(connection.retryAt, now)}</span>
          </>
        )}
      </span>
      {connection.name === "reconnecting" && <button onClick={onRetry} disabled={connection.retryAt === null}>Retry now</button>}
    </div>
  );
}
