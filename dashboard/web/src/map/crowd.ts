// People on the map, beside the clusters: the table of dots, its layer, who glides, and which of both is drawn.

import type { Map as MapLibre, PointLike } from "maplibre-gl";
import { Dots, lonLatOf, worldOf, type Move } from "../core/dots";
import { distanceM, type LonLat } from "../core/geo";
import { glideMs, Glides, MAX_GLIDING } from "../core/glide";
import type { Entry } from "../core/list";
import { APART_MAX, nextDrawing, type Mode } from "../core/mode";
import { DotsLayer } from "./dots-layer";
import type { Shade } from "./palette";
import { CLUSTER_MAX_ZOOM, GROUPED_LAYERS, NAMES_LAYER } from "./style";

const TILE_PX = 512;
const NAMES_ZOOM = 11.5;
const NAMES_MAX = 200;

export interface CrowdEvents {
  /** Clusters are about to be drawn: they have to be up to date when the promise is kept. */
  clusters(): Promise<void>;
  /** Somebody is drawn elsewhere than before, or has another name beside them. */
  glided(): void;
}

export class Crowd {
  readonly #dots = new Dots();
  readonly #layer: DotsLayer;
  readonly #glides = new Glides();
  #mode: Mode = "clusters";
  #chosen: string | null = null;
  #people = 0;
  #frame = 0;
  /** The page was hidden: what moved meanwhile is not to be watched moving now. */
  #missed = false;
  /** Glides that were begun since the page was opened. */
  begun = 0;

  constructor(
    private readonly map: MapLibre,
    shade: Shade,
    private readonly still: () => boolean,
    private readonly events: CrowdEvents,
  ) {
    this.#layer = new DotsLayer(this.#dots, shade);
    document.addEventListener("visibilitychange", this.#onVisibility);
    map.on("moveend", () => this.#decide());
  }

  get mode(): Mode {
    return this.#mode;
  }

  get gliding(): number {
    return this.#glides.size;
  }

  get hovered(): string | null {
    return this.#dots.entry(this.#layer.hovered)?.person.id ?? null;
  }

  /** How many people dots are drawn for, without the selected one. */
  get drawn(): number {
    const chosen = this.#chosen === null ? -1 : this.#dots.slotOf(this.#chosen);
    return this.#dots.placed - (this.#dots.entry(chosen)?.person.fix ? 1 : 0);
  }

  remove(): void {
    cancelAnimationFrame(this.#frame);
    document.removeEventListener("visibilitychange", this.#onVisibility);
  }

  #onVisibility = (): void => {
    if (!document.hidden) return;
    this.#missed = true;
    this.#glides.finish(this.#place);
  };

  /** Puts the layer into a style that has been loaded. */
  attach(): void {
    if (!this.map.getLayer(this.#layer.id)) this.map.addLayer(this.#layer, NAMES_LAYER);
  }

  setShade(shade: Shade): void {
    this.#layer.shade = shade;
  }

  /** Shows these people; the selected one is drawn by others, but told from here where. */
  show(entries: readonly Entry[], chosen: string | null): void {
    const hovered = this.hovered;
    if (!this.#dots.holds(entries)) this.#glides.finish(this.#place);
    const moves = this.#dots.set(entries, chosen);
    this.#chosen = chosen;
    this.#people = entries.length;
    this.#layer.hovered = hovered === null ? -1 : this.#dots.slotOf(hovered);
    this.#decide();
    this.#follow(moves);
    this.map.triggerRepaint();
  }

  /** Lets those glide who may; the others are where they are. */
  #follow(moves: readonly Move[]): void {
    if (moves.length === 0) return;
    for (const { slot } of moves) this.#glides.end(slot);
    const missed = this.#missed;
    this.#missed = false;
    if (missed || document.hidden || this.still()) return;
    const seen = moves.filter((m) => (this.#mode === "dots" || this.#isChosen(m.slot)) && (this.#inView(m.from) || this.#inView(m.to)));
    if (seen.length + this.#glides.size > MAX_GLIDING) return;
    const now = performance.now();
    for (const { slot, from, to, before, after } of seen) {
      const ms = glideMs(distanceM(lonLatOf(...from), lonLatOf(...to)), after.recordedAt - before.recordedAt);
      if (ms === 0) continue;
      this.#dots.place(slot, from[0], from[1]);
      this.#glides.start(slot, from, to, now, ms);
      this.begun++;
    }
    this.#run();
  }

  #isChosen = (slot: number): boolean => this.#chosen !== null && this.#dots.entry(slot)?.person.id === this.#chosen;

  #run(): void {
    if (this.#frame || this.#glides.size === 0) return;
    this.#frame = requestAnimationFrame((now) => {
      this.#frame = 0;
      this.#glides.step(now, this.#place);
      this.map.triggerRepaint();
      this.events.glided();
      this.#run();
    });
  }

  #place = (slot: number, x: number, y: number): void => this.#dots.place(slot, x, y);

  /** Where somebody is drawn, who may be on the way to where they are; null for who is not in the table. */
  placeOf(id: string): LonLat | null {
    const slot = this.#dots.slotOf(id);
    return this.#dots.entry(slot)?.person.fix ? lonLatOf(...this.#dots.shown(slot)) : null;
  }

  /** Who is drawn at a point of the screen, in dots. */
  at(point: PointLike, radiusPx: number): string | null {
    if (this.#mode !== "dots") return null;
    const { lng, lat } = this.map.unproject(point);
    const [x, y] = worldOf([((((lng + 180) % 360) + 360) % 360) - 180, lat]);
    const slot = this.#dots.nearest(x, y, radiusPx / this.#worldPx());
    return this.#dots.entry(slot)?.person.id ?? null;
  }

  hover(id: string | null): void {
    const slot = id === null ? -1 : this.#dots.slotOf(id);
    if (slot === this.#layer.hovered) return;
    this.#layer.hovered = slot;
    this.map.triggerRepaint();
    this.events.glided();
  }

  /** Whose names are to be written: of the few in view at street zoom, and of who is pointed at. */
  named(): Entry[] {
    if (this.#mode !== "dots") return [];
    const slots = this.map.getZoom() >= NAMES_ZOOM || this.#people <= NAMES_MAX ? this.#slotsInView(NAMES_MAX) : [];
    const shown = slots.length > NAMES_MAX ? [] : slots;
    const { hovered } = this.#layer;
    if (hovered >= 0 && !shown.includes(hovered)) shown.push(hovered);
    return shown.flatMap((slot) => this.#dots.entry(slot) ?? []);
  }

  /** Decides anew between clusters and dots, and changes over if it is to be. */
  #decide(): void {
    const slots = this.#slotsInView(APART_MAX);
    const [west, north] = this.#view();
    const px = this.#worldPx();
    const pixels = slots.length > APART_MAX ? null : slots.map((s) => {
      const [x, y] = this.#dots.shown(s);
      return [(x - west) * px, (y - north) * px] as const;
    });
    const now = { mode: this.#mode, many: this.#layer.many };
    const { mode, many } = nextDrawing(now, this.#people, this.map.getZoom() < CLUSTER_MAX_ZOOM + 1, pixels);
    this.#layer.many = many;
    if (mode !== this.#mode) this.#change(mode);
  }

  #change(mode: Mode): void {
    this.#mode = mode;
    this.events.glided();
    if (mode === "dots") {
      this.#layer.shown = true;
      this.#setGrouped("none");
      return;
    }
    this.#layer.hovered = -1;
    this.#glides.finish(this.#place);
    void this.events.clusters().then(() => this.#cover());
  }

  /** Dots stay until the clusters that replace them are drawn. */
  #cover(): void {
    if (this.#mode !== "clusters") return;
    this.#setGrouped("visible");
    const hide = () => {
      if (this.#mode === "clusters") this.#layer.shown = false;
      this.map.triggerRepaint();
    };
    this.map.once("idle", hide);
  }

  #setGrouped(visibility: "visible" | "none"): void {
    for (const id of GROUPED_LAYERS) if (this.map.getLayer(id)) this.map.setLayoutProperty(id, "visibility", visibility);
  }

  #worldPx = (): number => TILE_PX * 2 ** this.map.getZoom();

  /** What is in view, in world coordinates: west, north, east, south. */
  #view(): [number, number, number, number] {
    const box = this.map.getBounds();
    const [west, north] = worldOf([box.getWest(), Math.min(box.getNorth(), 85)]);
    const [east, south] = worldOf([box.getEast(), Math.max(box.getSouth(), -85)]);
    return [west, north, east, south];
  }

  #inView([x, y]: readonly [number, number]): boolean {
    const [west, north, east, south] = this.#view();
    return x >= west && x <= east && y >= north && y <= south;
  }

  #slotsInView = (limit: number): number[] => this.#dots.within(...this.#view(), limit);
}
