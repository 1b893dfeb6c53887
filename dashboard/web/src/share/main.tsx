// The page of a link to one person's position, for somebody without a login. The token stands behind the # of the
// address, which no browser sends to anybody; here it goes into the header of the one request that it is for.

import { computed, effect, signal } from "@preact/signals";
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { clockTime } from "../core/format";
import type { LonLat } from "../core/geo";
import { sharedEntry, sharedWords } from "../core/share";
import { borders, findStreets, streets, streetsFailed } from "../base-map";
import type { MapView } from "../map/view";
import { reducedMotion, shade, watchTheme } from "../theme";
import { Mark, StateGlyph, WarnIcon } from "../ui/icons";
import { follow, offset, shared, status } from "./follow";
import "../styles/share-page.css";

const CLOSE_ZOOM = 14;
const now = signal(Date.now());
const serverNow = computed(() => now.value + offset.value);

function Page() {
  if (status.value === "ended") return <Over title="This link has ended" text="It has expired, or whoever sent it has withdrawn it. Ask them for a new one if you still need it." />;
  if (status.value === "unknown") return <Over title="This link does not work" text="It may be incomplete. Open it again as it was sent to you, or ask for a new one." />;
  return (
    <main class="share">
      <Place />
      <Panel />
    </main>
  );
}

function Over({ title, text }: { title: string; text: string }) {
  return (
    <main class="share-over">
      <section>
        <Mark size={40} />
        <h1>{title}</h1>
        <p>{text}</p>
      </section>
    </main>
  );
}

function Panel() {
  const known = shared.value;
  const entry = known && sharedEntry(known);
  const words = known ? sharedWords(known, serverNow.value) : { title: "Loading…", detail: "" };
  const live = known?.state === "live" && status.value === "shown";
  const title = known?.state === "live" && !live ? "Was live" : words.title;
  return (
    <section class="share-panel" aria-label="Shared position" data-testid="shared">
      <header><Mark size={22} /> <span>Shared position</span></header>
      <h1>{known?.name || "Live position"}</h1>
      <div class={`card-state ${live ? "state-live" : "state-offline"}`}>
        {entry && <StateGlyph entry={live ? entry : { ...entry, state: "offline" }} size={22} />}
        <div>
          <strong>{title}</strong>
          {words.detail && <span>{words.detail}</span>}
        </div>
      </div>
      <p class="visually-hidden" role="status">{known ? title.replace(/ \d.*/, "") : ""}</p>
      {status.value === "away" && <p class="share-away" role="status"><WarnIcon /> No connection at the moment; trying again.</p>}
      {known && <p class="share-until">Shared with you until {clockTime(known.expiresAt, serverNow.value)}</p>}
    </section>
  );
}

/** The map, of its own volition where the person is as long as nobody has moved it. */
function Place() {
  const box = useRef<HTMLDivElement>(null);
  const [problem, setProblem] = useState(false);
  const has = shared.value?.place != null;
  useEffect(() => {
    const element = box.current;
    const place = shared.peek()?.place;
    if (!element || !place) return;
    let gone = false;
    let made: MapView | null = null;
    let stops: (() => void)[] = [];
    import("../map/view")
      .then(({ MapView }) => {
        if (gone) return;
        let held = false;
        const hold = () => (held = true);
        const view = (made = new MapView(element, { shade: shade.value, borders: borders.value }, { ...place, zoom: CLOSE_ZOOM }, { picked: () => {}, dragged: hold, moved: () => {}, streetsFailed }, reducedMotion));
        void findStreets();
        stops = [effect(() => view.setShade(shade.value)), effect(() => view.setStreets(streets.value)), effect(() => draw(view, () => held))];
      })
      .catch(() => !gone && setProblem(true));
    const observer = new ResizeObserver(() => made?.resize());
    observer.observe(element);
    return () => {
      gone = true;
      observer.disconnect();
      stops.forEach((stop) => stop());
      made?.remove();
    };
  }, [has]);
  if (problem && shared.value?.place) {
    const { lat, lon } = shared.value.place;
    return <div class="share-map no-map"><p>The map cannot be drawn in this browser. The position is <span class="num select-all">{lat.toFixed(5)}, {lon.toFixed(5)}</span></p></div>;
  }
  return <div class="share-map">{has && <div ref={box} class="map" role="region" aria-label="Map of the shared position" />}</div>;
}

function draw(view: MapView, held: () => boolean): void {
  const entry = shared.value && sharedEntry(shared.value);
  view.show(entry ? [entry] : [], true);
  view.select(entry, []);
  if (!entry?.person.fix || held()) return;
  const at: LonLat = [entry.person.fix.lon, entry.person.fix.lat];
  const panel = document.querySelector(".share-panel")?.getBoundingClientRect();
  view.centre(at, { top: 0, right: 0, bottom: panel && innerWidth <= 760 ? panel.height : 0, left: 0 });
}

watchTheme();
setInterval(() => (now.value = Date.now()), 1000);
addEventListener("hashchange", () => location.reload()); // another link
void follow(location.hash.slice(1));
const root = document.getElementById("app");
if (root) render(<Page />, root);
