// The map of the history: the way of one person, with stops and gaps, and where they were at the moment that is shown.

import { AttributionControl, GeoJSONSource, ScaleControl, type Map as MapLibre, type MapMouseEvent } from "maplibre-gl";
import type { Feature, FeatureCollection, GeoJSON, LineString, Point } from "geojson";
import { bounds, type LonLat } from "../core/geo";
import type { Units } from "../core/style";
import { nearest, placesOf, runs, type Leg, type Moment, type Track, type WayPoint } from "../core/track";
import { draw } from "./images";
import { StreetsJudge } from "./judge";
import { open } from "./open";
import type { Shade } from "./palette";
import type { Base } from "./style";
import type { Streets } from "./streets";
import { HISTORY_SOURCES, historyStyle } from "./history-style";
import type { Insets } from "./view";

export interface HistoryEvents {
  /** The pointer is on the way (null: it has left it), at this place of the screen. */
  pointed(point: WayPoint | null, x: number, y: number): void;
  /** A click on the way, or on the leg of a stop. */
  picked(time: number): void;
  /** The configured street map cannot be drawn; the built-in map is shown. */
  streetsFailed(): void;
}

const TOUCH_PX = 10;
const FRAME_PX = 48;

export class HistoryView {
  readonly #map: MapLibre;
  readonly #scale = new ScaleControl({ maxWidth: 120 });
  readonly #judge: StreetsJudge;
  #track: Track | null = null;
  #chosen = -1;
  #moment: Moment | null = null;
  #base: Base;

  /** Throws if the browser has no WebGL. */
  constructor(
    container: HTMLElement,
    base: Omit<Base, "streets">,
    private readonly events: HistoryEvents,
    private readonly still: () => boolean,
  ) {
    this.#base = { ...base, streets: null };
    this.#map = open(container, historyStyle(this.#base), null);
    this.#map.addControl(new AttributionControl({ compact: false }), "bottom-right");
    this.#map.addControl(this.#scale, "bottom-left");
    this.#judge = new StreetsJudge(this.#map, () => (this.#track?.legs.length ?? 0) > 0, () => {
      this.setStreets(null);
      events.streetsFailed();
    });
    this.#map.setMissingStyleImageResolver((name) => draw(this.#map, name));
    this.#map.on("style.load", () => this.#feedAll());
    this.#map.on("mousemove", (e: MapMouseEvent) => this.#point(e));
    this.#map.on("mouseout", () => events.pointed(null, 0, 0));
    this.#map.on("click", (e: MapMouseEvent) => {
      const stop = this.#stopAt(e);
      const point = stop ?? this.#wayAt(e);
      if (point) events.picked(point.time);
    });
  }

  get canvas(): HTMLCanvasElement {
    return this.#map.getCanvas();
  }

  /** Whether the way has been drawn. */
  get drawn(): boolean {
    return this.#map.loaded() && (this.#track?.legs.length ?? 0) > 0;
  }

  /** Shows a way, or nothing. */
  show(track: Track | null): void {
    this.#track = track;
    this.#moment = null;
    this.#chosen = -1;
    this.#feedAll();
  }

  /** Where the person was at the moment that is shown. */
  at(moment: Moment | null): void {
    this.#moment = moment;
    this.#feed("here", hereFeatures(moment));
  }

  /** Lifts one leg out; -1 lifts none. */
  choose(leg: number): void {
    if (leg === this.#chosen) return;
    this.#chosen = leg;
    this.#feed("picked", pickedFeatures(this.#track?.legs[leg]));
  }

  /** Shows all of these legs. */
  fit(legs: readonly Leg[], insets: Insets, animate = true): void {
    const box = bounds(placesOf(legs));
    if (!box) return;
    const padding = { top: insets.top + FRAME_PX, right: insets.right + FRAME_PX, bottom: insets.bottom + FRAME_PX, left: insets.left + FRAME_PX };
    this.#map.fitBounds(box, { padding, maxZoom: 16, linear: false, duration: animate && !this.still() ? 600 : 0, essential: true });
  }

  /** Moves the camera to where somebody is if that has left the view. */
  keep([lon, lat]: LonLat, insets: Insets): void {
    const { x, y } = this.#map.project([lon, lat]);
    const { clientWidth, clientHeight } = this.#map.getContainer();
    const seen = x >= insets.left + FRAME_PX && x <= clientWidth - insets.right - FRAME_PX && y >= insets.top + FRAME_PX && y <= clientHeight - insets.bottom - FRAME_PX;
    if (!seen) this.#map.easeTo({ center: [lon, lat], duration: this.still() ? 0 : 400, essential: true });
  }

  zoomBy(steps: number): void {
    this.#map.easeTo({ zoom: this.#map.getZoom() + steps, duration: this.still() ? 0 : 250, essential: true });
  }

  project([lon, lat]: LonLat): { x: number; y: number } {
    const { x, y } = this.#map.project([lon, lat]);
    return { x, y };
  }

  setUnits(units: Units): void {
    this.#scale.setUnit(units);
  }

  setShade(shade: Shade): void {
    if (shade !== this.#base.shade) this.#restyle({ shade });
  }

  setBorders(borders: boolean): void {
    if (borders !== this.#base.borders) this.#restyle({ borders });
  }

  /** Draws a street map below the way, or with null the built-in map again. */
  setStreets(streets: Streets | null): void {
    if (streets === this.#base.streets) return;
    this.#judge.watch(streets);
    this.#restyle({ streets });
  }

  #restyle(change: Partial<Base>): void {
    this.#base = { ...this.#base, ...change };
    this.#map.setStyle(historyStyle(this.#base));
  }

  resize(): void {
    this.#map.resize();
  }

  remove(): void {
    this.#judge.stop();
    this.#map.remove();
  }

  /** A style that is loaded anew has empty sources. */
  #feedAll(): void {
    const legs = this.#track?.legs ?? [];
    this.#feed("way", wayFeatures(legs));
    this.#feed("gaps", gapFeatures(legs));
    this.#feed("stops", stopFeatures(legs));
    this.#feed("picked", pickedFeatures(legs[this.#chosen]));
    this.#feed("here", hereFeatures(this.#moment));
  }

  #feed(source: (typeof HISTORY_SOURCES)[number], data: GeoJSON): void {
    const target = this.#map.style?._loaded ? this.#map.getSource(source) : undefined; // else "style.load" comes, and all is fed
    if (target instanceof GeoJSONSource) void target.setData(data);
  }

  #point(e: MapMouseEvent): void {
    const point = this.#wayAt(e);
    this.#map.getCanvas().style.cursor = point || this.#stopAt(e) ? "pointer" : "";
    this.events.pointed(point, e.point.x, e.point.y);
  }

  #wayAt(e: MapMouseEvent): WayPoint | null {
    const point = this.#track && nearest(this.#track, [e.lngLat.lng, e.lngLat.lat]);
    if (!point) return null;
    const { x, y } = this.#map.project(point.at);
    return Math.hypot(x - e.point.x, y - e.point.y) <= TOUCH_PX ? point : null;
  }

  #stopAt(e: MapMouseEvent): WayPoint | null {
    if (!this.#map.getLayer("stops")) return null;
    const [hit] = this.#map.queryRenderedFeatures(e.point, { layers: ["stops"] });
    const leg = this.#track?.legs[Number(hit?.properties.leg)];
    return leg?.at ? { time: leg.from, at: leg.at, speedMps: 0 } : null;
  }
}

const collection = <G extends Point | LineString>(features: Feature<G>[]): FeatureCollection<G> => ({ type: "FeatureCollection", features });

const line = (coordinates: readonly LonLat[], properties: Record<string, number> = {}): Feature<LineString> =>
  ({ type: "Feature", properties, geometry: { type: "LineString", coordinates: [...coordinates] } });

const point = (coordinates: LonLat, properties: Record<string, string | number>): Feature<Point> =>
  ({ type: "Feature", properties, geometry: { type: "Point", coordinates } });

function wayFeatures(legs: readonly Leg[]): FeatureCollection {
  return collection(legs.filter((l) => l.kind === "trip").flatMap((l) => runs(l).map((run) => line(run.line, { step: run.step }))));
}

function gapFeatures(legs: readonly Leg[]): FeatureCollection {
  return collection(legs.filter((l) => l.kind === "gap" && l.points.length > 1).map((l) => line(l.points.map((p) => p.at))));
}

/** The stops with their numbers, and the two ends of the way. */
function stopFeatures(legs: readonly Leg[]): FeatureCollection {
  let n = 0;
  const features = legs.flatMap((l, leg) => (l.kind === "stop" && l.at ? [point(l.at, { kind: "stop", label: String(++n), leg })] : []));
  const [first, last] = [legs[0], legs.at(-1)];
  const begin = first?.points[0]?.at;
  const end = last?.points.at(-1)?.at;
  if (begin) features.push(point(begin, { kind: "end", label: "A", leg: 0 }));
  if (end) features.push(point(end, { kind: "end", label: "B", leg: legs.length - 1 }));
  return collection(features);
}

function pickedFeatures(leg: Leg | undefined): FeatureCollection {
  if (leg?.at) return collection([point(leg.at, {})]);
  return collection(leg && leg.points.length > 1 ? [line(leg.points.map((p) => p.at))] : []);
}

function hereFeatures(moment: Moment | null): FeatureCollection {
  if (!moment) return collection([]);
  return collection([point(moment.at, moment.courseDeg === null ? {} : { course: moment.courseDeg })]);
}
