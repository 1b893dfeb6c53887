// The map's place in the page, with its buttons; the map itself lives in map/view.ts.

import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { LonLat } from "../core/geo";
import { integer } from "../core/format";
import type { Camera } from "../core/view";
import type { Insets, MapView } from "../map/view";
import { borders, findStreets, streets, streetsFailed } from "../base-map";
import type { Store } from "../store";
import { style } from "../preferences";
import { reducedMotion, shade } from "../theme";
import { FitIcon, MinusIcon, PlusIcon } from "./icons";
import { StreetNote } from "./street-note";

const STREET_ZOOM = 11.5;

interface Props {
  readonly store: Store;
  readonly camera: Camera | null;
  readonly onMoved: (camera: Camera) => void;
  readonly onPick: (id: string | null) => void;
  readonly insets: () => Insets;
  readonly onReady: (view: MapView | null) => void;
}

export function MapPanel({ store, camera, onMoved, onPick, insets, onReady }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<MapView | null>(null);
  const [street, setStreet] = useState((camera?.zoom ?? 0) >= STREET_ZOOM);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let gone = false;
    let made: MapView | null = null;
    let stop = () => {};
    // Loaded on its own, so that the list is there first and works without.
    import("../map/view")
      .then(({ MapView }) => {
        if (gone) return;
        made = new MapView(element, { shade: shade.value, borders: borders.value }, camera, {
          picked: onPick,
          dragged: () => (store.follow.value = false),
          moved: (c, box) => {
            store.box.value = box;
            setStreet(c.zoom >= STREET_ZOOM);
            onMoved(c);
          },
          streetsFailed,
        }, reducedMotion);
        void findStreets();
        stop = connect(store, made, camera !== null, insets);
        setView(made);
        onReady(made);
      })
      .catch((err: unknown) => {
        if (!gone) store.mapProblem.value = problem(err);
      });
    const observer = new ResizeObserver(() => made?.resize());
    observer.observe(element);
    return () => {
      gone = true;
      observer.disconnect();
      stop();
      made?.remove();
      store.box.value = null;
      onReady(null);
    };
  }, []);

  const fitAll = () => {
    store.follow.value = false;
    view?.fit(places(store), insets());
  };
  if (store.mapProblem.value) return <NoMap problem={store.mapProblem.value} />;
  return (
    <>
      <div ref={box} class="map" role="region" aria-label={summary(store)} />
      <div class="map-tools">
        <div class="tool-group">
          <button aria-label="Zoom in" title="Zoom in" onClick={() => view?.zoomBy(1)}><PlusIcon /></button>
          <button aria-label="Zoom out" title="Zoom out" onClick={() => view?.zoomBy(-1)}><MinusIcon /></button>
        </div>
        <div class="tool-group">
          <button aria-label="Show everybody" title="Show everybody" onClick={fitAll}><FitIcon /></button>
        </div>
      </div>
      <StreetNote close={street} />
    </>
  );
}

/** Feeds the map from the store until the returned function is called. */
function connect(store: Store, view: MapView, framed: boolean, insets: () => Insets): () => void {
  let filterKey = "";
  let lastChosen: string | null = null;
  const stops = [
    effect(() => {
      const key = `${store.filter.value}/${store.team.value}/${store.query.value}`;
      const urgent = key !== filterKey;
      filterKey = key;
      view.show(store.matching.value, urgent);
      if (framed || !store.loaded.value) return;
      const all = places(store);
      if (all.length === 0) return;
      framed = true; // once: from then on the view is the user's
      if (!store.chosen.peek()?.person.fix) view.fit(all, insets(), false);
    }),
    effect(() => {
      const entry = store.chosen.value;
      view.select(entry, entry ? store.trails.of(entry.person.id) : []);
      const fix = entry?.person.fix;
      if (!entry || !fix) {
        lastChosen = entry?.person.id ?? null;
        return;
      }
      const at: LonLat = [fix.lon, fix.lat];
      const isNew = entry.person.id !== lastChosen;
      lastChosen = entry.person.id;
      if (store.follow.value) view.centre(at, insets());
      else if (isNew) requestAnimationFrame(() => view.reveal(at, insets())); // the card has its size by then
    }),
    effect(() => view.setShade(shade.value)),
    effect(() => view.setBorders(borders.value)),
    effect(() => view.setStreets(streets.value)),
    effect(() => view.setUnits(style.value.units)),
  ];
  return () => stops.forEach((stop) => stop());
}

function places(store: Store): LonLat[] {
  return store.matching.peek().flatMap(({ person: { fix } }) => (fix ? [[fix.lon, fix.lat] as LonLat] : []));
}

/** What the map shows, for who cannot see it. */
function summary(store: Store): string {
  const c = store.counts.value;
  return `Map of ${integer(c.all)} people: ${integer(c.moving)} moving, ${integer(c.idle)} idle, ${integer(c.late)} late, ${integer(c.offline)} offline, in view ${integer(store.inView.value.length)}. The list holds the same.`;
}

function NoMap({ problem }: { problem: string }) {
  return (
    <div class="no-map">
      <div>
        <h2>The map cannot be shown</h2>
        <p>{problem}</p>
        <p>The list and the details work without it.</p>
      </div>
    </div>
  );
}

function problem(err: unknown): string {
  if (!hasWebGL()) return "This browser has no WebGL 2, which the map is drawn with. Turn on hardware acceleration in the browser’s settings, or use another browser.";
  return `It failed to load: ${err instanceof Error ? err.message : "unknown error"}. Reload the page to try again.`;
}

function hasWebGL(): boolean {
  try {
    return document.createElement("canvas").getContext("webgl2") !== null;
  } catch {
    return false;
  }
}
