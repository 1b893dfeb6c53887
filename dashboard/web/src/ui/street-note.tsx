// What there is to say about the map below: that the configured one fails, or that there is none.

import { useState } from "preact/hooks";
import { findStreets, plain, streetsState } from "../base-map";

const HINT_KEY = "fieldcast.street-hint";

/** `close`: whether the map is looked at from so near that streets are missed. */
export function StreetNote({ close }: { close: boolean }) {
  const [dismissed, setDismissed] = useState(false);
  const [hinted, setHinted] = useState(localStorage.getItem(HINT_KEY) === "off");
  if (streetsState.value === "failed" && !dismissed && !plain.value) {
    return (
      <div class="hint" role="status">
        <span>The street map cannot be loaded. This is the built-in overview map.</span>
        <button class="quiet" onClick={() => void findStreets()}>Try again</button>
        <button class="quiet" onClick={() => setDismissed(true)}>Got it</button>
      </div>
    );
  }
  if (streetsState.value !== "none" || hinted || !close) return null;
  const hide = () => {
    localStorage.setItem(HINT_KEY, "off");
    setHinted(true);
  };
  return (
    <div class="hint">
      <span>This overview map has no streets. Set <code>map.style</code> on the server to add them.</span>
      <button class="quiet" onClick={hide}>Got it</button>
    </div>
  );
}
