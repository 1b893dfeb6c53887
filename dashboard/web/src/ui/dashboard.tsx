// The live view: bar, list, map, card; on a phone the list is a sheet over the map.

import { effect } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { formatView, type Camera, type View } from "../core/view";
import type { Insets, MapView } from "../map/view";
import { shortcuts, style } from "../preferences";
import { Roster } from "../roster";
import type { Store } from "../store";
import { Banner } from "./banner";
import { Card, close } from "./card";
import { LoginDialog } from "./login";
import { MapPanel } from "./map-panel";
import { isTyping, Panel } from "./panel";
import { Settings } from "./settings";
import { Sheet } from "./sheet";
import { TopBar } from "./topbar";

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly onRetry: () => void;
  readonly onSignedIn: () => void;
  readonly onLogout: () => void;
  readonly onMap: (view: MapView | null) => void;
}

const PHONE = matchMedia("(max-width: 760px)");

export function Dashboard({ store, view, onRetry, onSignedIn, onLogout, onMap }: Props) {
  const roster = useMemo(() => new Roster(store), [store]);
  const camera = useRef<Camera | null>(view.camera);
  const [phone, setPhone] = useState(PHONE.matches);
  const stage = useRef<HTMLDivElement>(null);
  const [settings, setSettings] = useState(false);
  style.value; // everything is written anew when it changes

  useEffect(() => {
    const change = () => setPhone(PHONE.matches);
    PHONE.addEventListener("change", change);
    return () => PHONE.removeEventListener("change", change);
  }, []);
  useEffect(() => effect(() => writeAddress(store, camera.current)), [store]);
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (isTyping(e.target)) return;
      if (e.key === "Escape") close(store);
      if (!shortcuts.value || e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.key === "?") setSettings(true);
      if (e.key.toLowerCase() === "f" && store.chosen.value?.person.fix) store.follow.value = !store.follow.value;
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [store]);

  const insets = (): Insets => coveredBy(stage.current, phone);
  const expired = store.connection.value.name === "expired";
  const panel = <Panel store={store} roster={roster} onPick={(id) => store.select(id)} />;
  return (
    <div class={`app ${phone ? "is-phone" : ""} ${store.frozen.value ? "is-frozen" : ""}`}>
      <TopBar store={store} onSettings={() => setSettings(true)} onLogout={onLogout} />
      {!phone && <nav class="side" aria-label="People">{panel}</nav>}
      <main class="stage" ref={stage}>
        <MapPanel
          store={store}
          camera={view.camera}
          onMoved={(c) => {
            camera.current = c;
            writeAddress(store, c);
          }}
          onPick={(id) => store.select(id)}
          insets={insets}
          onReady={onMap}
        />
        <Banner store={store} onRetry={onRetry} />
        {!phone && <Card store={store} />}
      </main>
      {phone && <Sheet store={store}>{store.chosen.value ? <Card store={store} /> : panel}</Sheet>}
      {settings && <Settings onClose={() => setSettings(false)} />}
      {expired && <LoginDialog email={store.identity.value?.subject ?? ""} onDone={onSignedIn} />}
    </div>
  );
}

function writeAddress(store: Store, camera: Camera | null): void {
  const search = formatView({ selected: store.selected.value, filter: store.filter.value, team: store.team.value, query: store.query.value, camera });
  if (search !== location.search) history.replaceState(null, "", `${location.pathname}${search}`);
}

/** How much of the map's edges is covered, so that what is shown is shown where it can be seen. */
function coveredBy(stage: HTMLElement | null, phone: boolean): Insets {
  const none = { top: 0, right: 0, bottom: 0, left: 0 };
  if (!stage) return none;
  if (phone) {
    const sheet = document.querySelector(".sheet")?.getBoundingClientRect();
    const bottom = sheet ? Math.max(0, stage.getBoundingClientRect().bottom - sheet.top) : 0;
    return { ...none, bottom: Math.min(bottom, stage.clientHeight * 0.6) };
  }
  const card = stage.querySelector(".card")?.getBoundingClientRect();
  return { ...none, right: card ? card.width + 24 : 0 };
}
