// The map's place on the history's screen.

import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { speed, timeOfDay } from "../../core/format";
import { SPEED_STEPS_MPS, type WayPoint } from "../../core/track";
import type { History } from "../../history";
import type { HistoryView } from "../../map/history-view";
import type { Insets } from "../../map/view";
import { style } from "../../preferences";
import { borders, findStreets, streets, streetsFailed } from "../../base-map";
import type { Store } from "../../store";
import { StreetNote } from "../street-note";
import { reducedMotion, shade } from "../../theme";
import { FitIcon, MinusIcon, PlusIcon } from "../icons";

interface Props {
  readonly store: Store;
  readonly model: History;
  readonly chosen: number;
  readonly insets: () => Insets;
  readonly onReady: (view: HistoryView | null) => void;
}

interface Tip {
  readonly point: WayPoint;
  readonly x: number;
  readonly y: number;
}

export function HistoryMap({ store, model, chosen, insets, onReady }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<HistoryView | null>(null);
  const [tip, setTip] = useState<Tip | null>(null);
  const [noMap, setNoMap] = useState(false);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let gone = false;
    let made: HistoryView | null = null;
    let stop = () => {};
    import("../../map/history-view")
      .then(({ HistoryView }) => {
        if (gone) return;
        const drawn = (made = new HistoryView(element, { shade: shade.value, borders: borders.value }, {
          pointed: (point, x, y) => setTip(point && { point, x, y }),
          picked: (time) => {
            model.pause();
            model.seek(time);
          },
          streetsFailed,
        }, reducedMotion));
        void findStreets();
        stop = connect(model, drawn, insets);
        setView(drawn);
        onReady(drawn);
      })
      .catch(() => {
        if (!gone) setNoMap(true);
      });
    const observer = new ResizeObserver(() => made?.resize());
    observer.observe(element);
    return () => {
      gone = true;
      observer.disconnect();
      stop();
      made?.remove();
      onReady(null);
    };
  }, []);
  useEffect(() => view?.choose(chosen), [view, chosen]);

  if (noMap) {
    return (
      <div class="no-map">
        <div>
          <h2>The map cannot be shown</h2>
          <p>Timeline, figures and exports work without it. The live view says why.</p>
        </div>
      </div>
    );
  }
  const legs = model.track.value?.legs ?? [];
  const name = store.chosen.value?.person.name || store.selected.value || "nobody";
  return (
    <>
      <div ref={box} class="map" role="region" aria-label={`Map of the way of ${name}. The timeline holds the same.`} />
      <div class="map-tools">
        <div class="tool-group">
          <button aria-label="Zoom in" title="Zoom in" onClick={() => view?.zoomBy(1)}><PlusIcon /></button>
          <button aria-label="Zoom out" title="Zoom out" onClick={() => view?.zoomBy(-1)}><MinusIcon /></button>
        </div>
        <div class="tool-group">
          <button aria-label="Show the whole way" title="Show the whole way" onClick={() => view?.fit(legs, insets())}><FitIcon /></button>
        </div>
      </div>
      {legs.some((l) => l.kind === "trip") && <Legend />}
      {tip && (
        <div class="way-tip" style={{ left: `${tip.x}px`, top: `${tip.y}px` }} data-testid="way-tip">
          <strong>{timeOfDay(tip.point.time, true)}</strong>
          {tip.point.speedMps !== null && <span>{speed(Math.max(0, tip.point.speedMps))}</span>}
        </div>
      )}
      <StreetNote close={false} />
    </>
  );
}

/** Feeds the map from the model until the returned function is called. */
function connect(model: History, view: HistoryView, insets: () => Insets): () => void {
  let framed = false; // what grows while it is looked at keeps the camera where it is
  const stops = [
    effect(() => {
      const track = model.track.value;
      view.show(track);
      if (!track) framed = false;
      else if (!framed && track.legs.length > 0) {
        framed = true;
        requestAnimationFrame(() => view.fit(track.legs, insets(), false)); // the player has its size by then
      }
      view.at(model.moment.peek());
    }),
    effect(() => {
      const moment = model.moment.value;
      view.at(moment);
      if (moment && model.playing.peek()) view.keep(moment.at, insets());
    }),
    effect(() => view.setShade(shade.value)),
    effect(() => view.setBorders(borders.value)),
    effect(() => view.setStreets(streets.value)),
    effect(() => view.setUnits(style.value.units)),
  ];
  return () => stops.forEach((stop) => stop());
}

function Legend() {
  style.value;
  const first = SPEED_STEPS_MPS[0];
  return (
    <div class="legend" role="img" aria-label={`Colours by speed, from below ${speed(first)} to above ${speed(SPEED_STEPS_MPS[3])}; dotted where nothing was recorded`}>
      {[0, ...SPEED_STEPS_MPS].map((from, step) => <span key={from}><i class={`speed-${step}`} />{step === 0 ? `< ${short(first)}` : short(from)}</span>)}
      <span class="legend-unit">{style.value.units === "metric" ? "km/h" : "mph"}</span>
      <span><i class="speed-gap" />gap</span>
    </div>
  );
}

const short = (mps: number): string => String(Math.round(Number.parseFloat(speed(mps))));
