// The map: one instance, outside the tree of the user interface. It is told what to show and tells what was
// clicked; it knows nothing of how either comes about.

import { AttributionControl, GeoJSONSource, ScaleControl, type Map as MapLibre, type MapMouseEvent } from "maplibre-gl";
import type { GeoJSON } from "geojson";
import { bounds, graticule, graticuleStep, type Box, type LonLat } from "../core/geo";
import type { Entry } from "../core/list";
import type { Units } from "../core/style";
import { stretches, type TrailPoint } from "../core/trail";
import type { Camera } from "../core/view";
import { Crowd } from "./crowd";
import { accuracyFeatures, at, collection, gridFeatures, nameFeatures, peopleFeatures, personFeature, trailFeatures } from "./features";
import { Feeder } from "./feeder";
import { draw } from "./images";
import { StreetsJudge } from "./judge";
import { open } from "./open";
import type { Shade } from "./palette";
import type { Streets } from "./streets";
import { CLUSTER_LAYER, PERSON_LAYERS, style, type Base } from "./style";

export interface MapEvents {
  picked(id: string | null): void;
  /** The user has taken hold of the map. */
  dragged(): void;
  /** `box`: what is seen. */
  moved(camera: Camera, box: Box): void;
  /** The configured street map cannot be drawn; the built-in map is shown. */
  streetsFailed(): void;
}

export interface Insets {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

const PEOPLE_EVERY_MS = 1_000;
const CHOSEN_EVERY_MS = 200;
const GLIDE_EVERY_MS = 50;
const NAMES_EVERY_MS = 150;
const CLOSE_ZOOM = 13.5;
const TOUCH_PX = 8;

export class MapView {
  readonly #scale = new ScaleControl({ maxWidth: 120 });
  readonly #map: MapLibre;
  readonly #people: Feeder;
  readonly #chosen: Feeder;
  readonly #accuracy: Feeder;
  readonly #trail: Feeder;
  readonly #grid: Feeder;
  readonly #names: Feeder;
  readonly #crowd: Crowd;
  readonly #judge: StreetsJudge;
  /** Kept when the clusters have been given what they asked for. */
  #fed: (() => void)[] = [];
  #entries: readonly Entry[] = [];
  #selected: Entry | null = null;
  #way: readonly TrailPoint[] = [];
  #gridKey = "";
  #base: Base;
  #clustered = 0;
  #anyNamed = false;

  /** Throws if the browser has no WebGL. */
  constructor(
    container: HTMLElement,
    base: Omit<Base, "streets">,
    camera: Camera | null,
    private readonly events: MapEvents,
    private readonly still: () => boolean,
  ) {
    this.#base = { ...base, streets: null };
    this.#map = open(container, style(this.#base), camera);
    this.#map.addControl(new AttributionControl({ compact: false }), "bottom-right");
    this.#map.addControl(this.#scale, "bottom-left");
    this.#people = this.#feeder("people", PEOPLE_EVERY_MS);
    this.#chosen = this.#feeder("chosen", GLIDE_EVERY_MS);
    this.#names = this.#feeder("names", NAMES_EVERY_MS);
    this.#accuracy = this.#feeder("accuracy", CHOSEN_EVERY_MS);
    this.#trail = this.#feeder("trail", CHOSEN_EVERY_MS);
    this.#grid = this.#feeder("grid", 0);
    this.#crowd = new Crowd(this.#map, base.shade, still, {
      clusters: () => this.#feedClusters(),
      glided: () => this.#glided(),
    });
    this.#judge = new StreetsJudge(this.#map, () => this.drawn > 0, () => this.#giveUpStreets());
    this.#listen();
  }

  /** People in the last update that the map has taken. */
  get drawn(): number {
    return (this.#crowd.mode === "dots" ? this.#crowd.drawn : this.#clustered) + this.#chosenDrawn();
  }

  /** Whether people are drawn as clusters or as dots, how many of them glide, and how many ever have. */
  get crowd(): { mode: string; gliding: number; begun: number } {
    const { mode, gliding, begun } = this.#crowd;
    return { mode, gliding, begun };
  }

  /** Where somebody is drawn, who may be on the way to where they are. */
  drawnAt(id: string): LonLat | null {
    return this.#crowd.placeOf(id);
  }

  /** How many features of a layer are seen. */
  drawnOf(layer: string): number {
    return this.#map.getLayer(layer) ? this.#map.queryRenderedFeatures({ layers: [layer] }).length : 0;
  }

  get canvas(): HTMLCanvasElement {
    return this.#map.getCanvas();
  }

  #feeder(source: string, everyMs: number): Feeder {
    return new Feeder(async (data: GeoJSON) => {
      await this.#styled();
      const target = this.#map.getSource(source);
      if (!(target instanceof GeoJSONSource)) return;
      await target.setData(data);
      if (source !== "people" || data.type !== "FeatureCollection") return;
      this.#clustered = data.features.length;
      for (const told of this.#fed.splice(0)) told();
    }, everyMs);
  }

  #chosenDrawn = (): number => (this.#selected?.person.fix ? 1 : 0);

  /** Waits until the style is there; data that is set before is lost. */
  async #styled(): Promise<void> {
    if (!this.#map.style?._loaded) await new Promise((resolve) => this.#map.once("style.load", resolve));
  }

  #listen(): void {
    const map = this.#map;
    map.setMissingStyleImageResolver((name) => draw(map, name));
    map.on("style.load", () => this.#feedAll());
    map.on("click", (e: MapMouseEvent) => void this.#click(e));
    map.on("mousemove", (e: MapMouseEvent) => {
      const dot = this.#crowd.at(e.point, TOUCH_PX);
      this.#crowd.hover(dot);
      map.getCanvas().style.cursor = dot !== null || this.#at(e).length ? "pointer" : "";
    });
    map.on("mouseout", () => this.#crowd.hover(null));
    map.on("dragstart", () => this.events.dragged());
    map.once("load", () => this.#tellMoved());
    map.on("moveend", () => {
      this.#tellMoved();
      this.#drawGrid();
      this.#feedNames();
    });
  }

  #tellMoved(): void {
    const { lng, lat } = this.#map.getCenter();
    const seen = this.#map.getBounds();
    this.events.moved({ lat, lon: lng, zoom: this.#map.getZoom() }, [seen.getWest(), seen.getSouth(), seen.getEast(), seen.getNorth()]);
  }

  #at(e: MapMouseEvent) {
    const { x, y } = e.point;
    const box: [[number, number], [number, number]] = [
      [x - TOUCH_PX, y - TOUCH_PX],
      [x + TOUCH_PX, y + TOUCH_PX],
    ];
    const layers = [...PERSON_LAYERS, CLUSTER_LAYER].filter((id) => this.#map.getLayer(id));
    return this.#map.queryRenderedFeatures(box, { layers });
  }

  async #click(e: MapMouseEvent): Promise<void> {
    const dot = this.#crowd.at(e.point, TOUCH_PX + 2);
    if (dot !== null) return this.events.picked(dot);
    const hits = this.#at(e);
    const person = hits.find((f) => typeof f.properties.id === "string");
    if (person) return this.events.picked(String(person.properties.id));
    const cluster = hits[0];
    if (!cluster || cluster.geometry.type !== "Point") return this.events.picked(null);
    const source = this.#map.getSource("people");
    if (!(source instanceof GeoJSONSource)) return;
    const center = cluster.geometry.coordinates as LonLat;
    const zoom = await source.getClusterExpansionZoom(Number(cluster.properties.cluster_id)).catch(() => this.#map.getZoom() + 2);
    this.events.dragged();
    this.#map.easeTo({ center, zoom: Math.min(zoom + 0.3, 18), ...this.#pace(500) });
  }

  /** Shows these people; the one that is selected is drawn by [MapView.select]. */
  show(entries: readonly Entry[], urgent = false): void {
    if (!urgent && same(entries, this.#entries)) return; // a second has passed and nobody has changed: no frame
    this.#entries = entries;
    this.#crowd.show(entries, this.#selected?.person.id ?? null);
    if (this.#crowd.mode === "clusters") this.#feedPeople(urgent);
    else this.#feedNames();
  }

  #feedPeople(urgent: boolean): void {
    this.#people.feed(() => peopleFeatures(this.#entries, this.#selected?.person.id ?? null), urgent);
  }

  #feedClusters(): Promise<void> {
    return new Promise((resolve) => {
      this.#fed.push(resolve);
      this.#feedPeople(true);
    });
  }

  /** Setting a source makes the map place all labels anew, so nothing is not set twice. */
  #feedNames(): void {
    const named = this.#crowd.named();
    if (named.length === 0 && !this.#anyNamed) return;
    this.#anyNamed = named.length > 0;
    this.#names.feed(() => nameFeatures(this.#crowd.named(), this.#crowd.hovered, (id) => this.#crowd.placeOf(id)));
  }

  #glided(): void {
    this.#feedNames();
    if (this.#selected) this.#chosen.feed(this.#chosenFeature);
  }

  #chosenFeature = (): GeoJSON => {
    const entry = this.#selected;
    const place = entry && this.#crowd.placeOf(entry.person.id);
    const feature = entry && personFeature(place ? at(entry, place) : entry);
    return collection(feature ? [feature] : []);
  };

  /** Raises one marker above all others, with the accuracy circle and the trail; null lowers it. */
  select(entry: Entry | null, trail: readonly TrailPoint[]): void {
    if (!entry && !this.#selected) return;
    const changed = entry?.person.id !== this.#selected?.person.id;
    this.#selected = entry;
    this.#way = trail;
    this.#feedChosen(changed);
    if (changed) this.show(this.#entries, true);
  }

  #feedChosen(urgent: boolean): void {
    const entry = this.#selected;
    this.#chosen.feed(this.#chosenFeature, urgent);
    this.#accuracy.feed(() => accuracyFeatures(entry), urgent);
    this.#trail.feed(() => trailFeatures(stretches(this.#way)), urgent);
  }

  setUnits(units: Units): void {
    this.#scale.setUnit(units);
  }

  setShade(shade: Shade): void {
    if (shade === this.#base.shade) return;
    this.#crowd.setShade(shade);
    this.#restyle({ shade });
  }

  setBorders(borders: boolean): void {
    if (borders !== this.#base.borders) this.#restyle({ borders });
  }

  /** Draws a street map below the people, or with null the built-in map again. What was shown is shown again. */
  setStreets(streets: Streets | null): void {
    if (streets === this.#base.streets) return;
    this.#judge.watch(streets);
    this.#restyle({ streets });
  }

  #restyle(change: Partial<Base>): void {
    this.#base = { ...this.#base, ...change };
    this.#map.setStyle(style(this.#base, this.#crowd.mode));
  }

  /** A style that is loaded anew has empty sources. */
  #feedAll(): void {
    this.#crowd.attach();
    this.#anyNamed = true;
    this.#gridKey = "";
    this.#drawGrid();
    this.show(this.#entries, true);
    this.#feedChosen(true);
  }

  #giveUpStreets(): void {
    this.setStreets(null);
    this.events.streetsFailed();
  }

  /** Moves the camera to a place unless it is well in view already. */
  reveal([lon, lat]: LonLat, insets: Insets): void {
    const { x, y } = this.#map.project([lon, lat]);
    const { clientWidth, clientHeight } = this.#map.getContainer();
    const margin = 40;
    const seen =
      x >= insets.left + margin && x <= clientWidth - insets.right - margin &&
      y >= insets.top + margin && y <= clientHeight - insets.bottom - margin;
    if (seen && this.#map.getZoom() >= 9) return;
    const zoom = Math.max(this.#map.getZoom(), CLOSE_ZOOM);
    this.#map.easeTo({ center: [lon, lat], zoom, offset: offsetOf(insets), ...this.#pace(800) });
  }

  /** Keeps a place in the middle. */
  centre([lon, lat]: LonLat, insets: Insets): void {
    this.#map.easeTo({ center: [lon, lat], offset: offsetOf(insets), ...this.#pace(600) });
  }

  /** Shows all of these places. */
  fit(places: Iterable<LonLat>, insets: Insets, animate = true): void {
    const box = bounds(places);
    if (!box) return;
    const padding = { top: insets.top + 56, right: insets.right + 56, bottom: insets.bottom + 56, left: insets.left + 56 };
    this.#map.fitBounds(box, { padding, maxZoom: CLOSE_ZOOM, linear: false, ...(animate ? this.#pace(700) : { duration: 0 }) });
  }

  zoomBy(steps: number): void {
    this.#map.easeTo({ zoom: this.#map.getZoom() + steps, ...this.#pace(250) });
  }

  get zoom(): number {
    return this.#map.getZoom();
  }

  resize(): void {
    this.#map.resize();
  }

  project([lon, lat]: LonLat): { x: number; y: number } {
    const { x, y } = this.#map.project([lon, lat]);
    return { x, y };
  }

  remove(): void {
    this.#judge.stop();
    for (const feeder of [this.#people, this.#chosen, this.#accuracy, this.#trail, this.#grid, this.#names]) feeder.stop();
    this.#crowd.remove();
    this.#map.remove();
  }

  #pace = (ms: number): { duration: number; essential: boolean } => ({ duration: this.still() ? 0 : ms, essential: true });

  #drawGrid(): void {
    const zoom = this.#map.getZoom();
    if (zoom < 7) return;
    const step = graticuleStep(zoom);
    const box = this.#map.getBounds();
    // A screen more on each side, so that panning does not run into the end of the lines.
    const [w, h] = [box.getEast() - box.getWest(), box.getNorth() - box.getSouth()];
    const snap = (v: number) => Math.floor(v / (step * 4)) * step * 4;
    const area = [snap(box.getWest() - w), snap(box.getSouth() - h), snap(box.getEast() + w) + step * 4, snap(box.getNorth() + h) + step * 4] as const;
    const key = `${step}/${area.join("/")}`;
    if (key === this.#gridKey) return;
    this.#gridKey = key;
    this.#grid.feed(() => gridFeatures(graticule(area, step)), true);
  }
}

const same = (a: readonly Entry[], b: readonly Entry[]): boolean => a.length === b.length && a.every((e, i) => e === b[i]);

function offsetOf(insets: Insets): [number, number] {
  return [(insets.left - insets.right) / 2, (insets.top - insets.bottom) / 2];
}
