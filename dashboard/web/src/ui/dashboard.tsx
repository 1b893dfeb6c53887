// The live view: bar, list, map, card; on a phone the list is a sheet over the map.

import type { ComponentType } from "preact";
import { batch, effect, signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { dateIn } from "../core/day";
import { formatView, parseView, type Camera, type View } from "../core/view";
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
import type { HistoryScreen } from "./history/screen";

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
  const [settings, setSettings] = useState(false);
  const [palette, setPalette] = useState(0); // which one is open; its own number, so that a new one is not closed by the end of the last
  style.value; // everything is written anew when it changes

  useEffect(() => {
    const change = () => setPhone(PHONE.matches);
    PHONE.addEventListener("change", change);
    return () => PHONE.removeEventListener("change", change);
  }, []);
  useEffect(() => effect(() => writeAddress(store, camera.current)), [store]);
  useEffect(() => {
    const back = () => {
      const view = parseView(location.search);
      batch(() => {
        store.select(view.selected);
        store.filter.value = view.filter;
        store.team.value = view.team;
        store.query.value = view.query;
        store.history.value = view.history;
      });
    };
    window.addEventListener("popstate", back);
    return () => window.removeEventListener("popstate", back);
  }, [store]);
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (e.key.toLowerCase() !== "k" || !(e.ctrlKey || e.metaKey) || e.shiftKey || e.altKey) return;
      e.preventDefault(); // in some browsers the address bar takes it
      if (!document.querySelector("dialog[open]")) setPalette(++palettes);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (isTyping(e.target) || store.history.peek()) return;
      if (e.key === "Escape") close(store);
      if (!shortcuts.value || e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.key === "?") setSettings(true);
      if (e.key.toLowerCase() === "f" && store.chosen.value?.person.fix) store.follow.value = !store.follow.value;
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [store]);

  const expired = store.connection.value.name === "expired";
  const toHistory = () => {
    const today = dateIn(style.peek().zone, store.serverNow());
    store.history.value = { from: today, to: today };
  };
  const toLive = () => {
    store.history.value = null;
    requestAnimationFrame(() => document.querySelector<HTMLElement>("[data-testid=history], #people")?.focus());
  };
  return (
    <div class={`app ${phone ? "is-phone" : ""} ${store.frozen.value ? "is-frozen" : ""}`}>
      <TopBar
        store={store} onSettings={() => setSettings(true)} onLogout={onLogout} onRetry={onRetry}
        onLive={() => store.history.peek() && toLive()} onHistory={() => store.history.peek() ?? toHistory()} onSearch={() => setPalette(++palettes)}
      />
      {store.history.value
        ? <Past store={store} phone={phone} onClose={toLive} />
        : <Now store={store} phone={phone} roster={roster} camera={camera} onRetry={onRetry} onMap={onMap} onHistory={toHistory} />}
      {palette > 0 && (
        <Late
          key={palette} load={loadPalette} store={store} onClose={() => setPalette((now) => (now === palette ? 0 : now))} onLive={() => store.history.peek() && toLive()}
          onHistory={toHistory} onSettings={() => setSettings(true)} onLogout={onLogout}
        />
      )}
      {settings && <Settings onClose={() => setSettings(false)} />}
      {expired && <LoginDialog email={store.identity.value?.subject ?? ""} onDone={onSignedIn} />}
    </div>
  );
}

let palettes = 0;
const loadPalette = () => import("./palette").then((m) => m.Palette);

/** Something that is loaded when it is first wanted. */
function Late<P extends object>({ load, ...props }: P & { load: () => Promise<ComponentType<P>> }) {
  const [Loaded, setLoaded] = useState<ComponentType<P> | null>(null);
  useEffect(() => void load().then((c) => setLoaded(() => c)), [load]);
  return Loaded && <Loaded {...(props as unknown as P)} />;
}

interface NowProps extends Pick<Props, "store" | "onRetry" | "onMap"> {
  readonly phone: boolean;
  readonly roster: Roster;
  readonly camera: { current: Camera | null };
  readonly onHistory: () => void;
}

/** The live view: list, map, card. */
function Now({ store, phone, roster, camera, onRetry, onMap, onHistory }: NowProps) {
  const stage = useRef<HTMLElement>(null);
  const insets = (): Insets => coveredBy(stage.current, phone);
  const panel = <Panel store={store} roster={roster} onPick={(id) => store.select(id)} />;
  const card = <Card store={store} onHistory={onHistory} />;
  return (
    <>
      {!phone && <nav class="side" aria-label="People">{panel}</nav>}
      <main class="stage" ref={stage}>
        <MapPanel
          store={store}
          camera={camera.current}
          onMoved={(c) => {
            camera.current = c;
            writeAddress(store, c);
          }}
          onPick={(id) => store.select(id)}
          insets={insets}
          onReady={onMap}
        />
        <Banner store={store} onRetry={onRetry} />
        {!phone && card}
      </main>
      {phone && <Sheet store={store}>{store.chosen.value ? card : panel}</Sheet>}
    </>
  );
}

/** The history's screen, once it has been loaded; it is not part of the first load. */
const screen = signal<typeof HistoryScreen | "failed" | null>(null);

function Past(props: { store: Store; phone: boolean; onClose: () => void }) {
  const load = () => {
    screen.value = null;
    import("./history/screen").then((m) => (screen.value = m.HistoryScreen)).catch(() => (screen.value = "failed"));
  };
  useEffect(() => {
    if (typeof screen.peek() !== "function") load();
  }, []);
  const Screen = screen.value;
  if (typeof Screen === "function") return <Screen {...props} />;
  return (
    <main class="stage">
      {Screen === "failed" && (
        <div class="empty" role="alert">
          <h2>The history could not be loaded</h2>
          <p>The server was not to be reached, or has a newer version: reload the page.</p>
          <button class="pill" onClick={load}>Try again</button>
          <button class="pill" onClick={props.onClose}>Back to the live view</button>
        </div>
      )}
    </main>
  );
}

/** Going to the history and back are steps that the browser's back button knows. */
function writeAddress(store: Store, camera: Camera | null): void {
  const past = store.history.value;
  const search = formatView({ selected: store.selected.value, filter: store.filter.value, team: store.team.value, query: store.query.value, camera, history: past });
  if (search === location.search) return;
  const step = (parseView(location.search).history === null) !== (past === null);
  history[step ? "pushState" : "replaceState"](null, "", `${location.pathname}${search}`);
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
