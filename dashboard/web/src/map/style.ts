// The map's style, light and dark, from one function: world, grid, people. Because all layers are in it,
// changing the theme only changes colours; data and camera stay.
//
// MapLibre gives room to labels from the top layer down, so villages come first and cities last: the other
// way round a village would push away the city beside it.

import type { FeatureCollection } from "geojson";
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import { archiveLayers, STREETS, STREETS_ZOOM } from "./archive-style";
import { fontFaces, REGULAR, SEMIBOLD } from "./fonts";
import type { Mode } from "../core/mode";
import { RING_SIZES, RING_STEPS } from "./images";
import { PALETTES, type Palette, type Shade } from "./palette";
import type { Archive, Streets } from "./streets";

export const ATTRIBUTION = "Natural Earth · GeoNames (CC BY 4.0)";
export const CLUSTER_MAX_ZOOM = 13;
const CLUSTER_RADIUS = 52;

/** The layers that answer to a click. */
export const PERSON_LAYERS = ["chosen", "people"] as const;
export const CLUSTER_LAYER = "clusters";
/** The layers of the clustered source: what is hidden while people are dots. */
export const GROUPED_LAYERS = ["people-edge", "people", "people-nub", "people-name", CLUSTER_LAYER, "cluster-count"] as const;
/** The names beside dots; dots lie below. */
export const NAMES_LAYER = "names";

/** What lies below what a map is about. */
export interface Base {
  readonly shade: Shade;
  /** The configured street map; null is the built-in map. */
  readonly streets: Streets | null;
  /** Whether borders of countries are drawn. Those of a style of elsewhere are its own. */
  readonly borders: boolean;
}

/** The style of the live map, with the people on top. */
export function style(base: Base, mode: Mode = "clusters"): StyleSpecification {
  const { shade } = base;
  const p = PALETTES[shade];
  const grouped = [...people(p, shade), ...clusters(p, shade)];
  if (mode === "dots") for (const layer of grouped) layer.layout = { ...layer.layout, visibility: "none" };
  return compose(base, teamSources(), [...trail(p), ...grouped, names(p), ...chosen(p, shade)]);
}

type Sources = StyleSpecification["sources"];

/** A base with layers of one's own on top; a source `grid` gets the graticule where there are no streets. */
export function compose({ shade, streets, borders }: Base, own: Sources, top: LayerSpecification[]): StyleSpecification {
  const p = PALETTES[shade];
  const common = { "font-faces": fontFaces(), transition: { duration: 0, delay: 0 } };
  if (streets?.kind === "style") {
    const { style: base } = streets;
    return { ...base, ...common, sources: { ...base.sources, ...own }, layers: [...base.layers, ...top] };
  }
  const built: StyleSpecification = {
    version: 8,
    name: "Fieldcast",
    ...common,
    sources: {
      world: {
        type: "vector",
        url: `pmtiles://${new URL("basemap.pmtiles", document.baseURI).href}`,
        attribution: ATTRIBUTION,
      },
      ...own,
    },
    layers: [...world(p), ...(own.grid ? grid(p) : []), ...labels(p), ...top],
  };
  if (streets?.kind === "raster") {
    built.sources[STREETS] = { type: "raster", tiles: [streets.tiles], tileSize: 256, attribution: streets.attribution };
    built.layers = [...world(p), { id: STREETS, type: "raster", source: STREETS }, ...top];
  }
  if (streets?.kind === "archive") {
    const { url, tiles, attribution } = streets;
    built.sources[STREETS] = { type: tiles, url: `pmtiles://${url}`, attribution, ...(tiles === "raster" && { tileSize: 256 }) };
    built.layers = [...world(p), ...archiveLayers(streets, p, navigator.language.slice(0, 2)), ...outside(labels(p), streets), ...top];
  }
  if (!borders) built.layers = built.layers.filter((layer) => !layer.id.startsWith("boundary"));
  return built;
}

/** Where an archive has its own names, those of the world are for those who look from afar. */
function outside(layers: Drawn[], { bounds: [west, south, east, north] }: Archive): LayerSpecification[] {
  const box: ExpressionSpecification = ["within", { type: "Polygon", coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] }];
  return layers.flatMap((layer): LayerSpecification[] => [
    { ...layer, maxzoom: STREETS_ZOOM } as LayerSpecification,
    ...((layer.maxzoom ?? 24) <= STREETS_ZOOM ? [] : [{ ...layer, id: `${layer.id}-outside`, minzoom: STREETS_ZOOM, filter: ["all", layer.filter ?? true, ["!", box]] } as LayerSpecification]),
  ]);
}

function teamSources(): Sources {
  const empty: FeatureCollection = { type: "FeatureCollection", features: [] };
  return {
    grid: { type: "geojson", data: empty },
    accuracy: { type: "geojson", data: empty },
    trail: { type: "geojson", data: empty },
    people: {
      type: "geojson",
      data: empty,
      cluster: true,
      clusterRadius: CLUSTER_RADIUS,
      clusterMaxZoom: CLUSTER_MAX_ZOOM,
      clusterProperties: {
        live: ["+", ["case", ["==", ["get", "state"], "live"], 1, 0]],
        late: ["+", ["case", ["==", ["get", "state"], "late"], 1, 0]],
      },
    },
    names: { type: "geojson", data: empty },
    chosen: { type: "geojson", data: empty },
  };
}

function world(p: Palette): LayerSpecification[] {
  return [
    { id: "water", type: "background", paint: { "background-color": p.water } },
    { id: "land", type: "fill", source: "world", "source-layer": "land", paint: { "fill-color": p.land } },
    {
      id: "boundary",
      type: "line",
      source: "world",
      "source-layer": "boundary",
      layout: { "line-join": "round" },
      paint: {
        "line-color": p.boundary,
        "line-width": ["interpolate", ["linear"], ["zoom"], 1, 0.5, 6, 1.2, 12, 2],
        "line-dasharray": [4, 2],
        "line-opacity": 0.8,
      },
    },
  ];
}

/** Meridians and parallels, so that an empty plain at street zoom still shows movement and scale. */
function grid(p: Palette): LayerSpecification[] {
  return [
    {
      id: "grid",
      type: "line",
      source: "grid",
      minzoom: 7,
      paint: {
        "line-color": p.grid,
        "line-width": 1,
        "line-opacity": ["interpolate", ["linear"], ["zoom"], 7, 0, 9, 0.07, 13, 0.11],
      },
    },
    {
      id: "grid-label",
      type: "symbol",
      source: "grid",
      minzoom: 9,
      layout: {
        "symbol-placement": "line",
        "symbol-spacing": 520,
        "text-field": ["get", "label"],
        "text-font": [REGULAR],
        "text-size": 10,
        "text-letter-spacing": 0.05,
        "text-padding": 12,
      },
      paint: { "text-color": p.gridText, "text-opacity": 0.75, "text-halo-color": p.halo, "text-halo-width": 1 },
    },
  ];
}

function labels(p: Palette): Drawn[] {
  const place = (id: string, size: number, font: string, px: [number, number], colour: string): Drawn => ({
    id,
    type: "symbol",
    source: "world",
    "source-layer": "place",
    filter: ["all", ["==", ["get", "size"], size], ["<=", ["get", "zoom"], ["zoom"]]],
    layout: {
      "text-field": ["get", "name"],
      "text-font": [font],
      "text-size": ["interpolate", ["linear"], ["zoom"], 3, px[0], 12, px[1]],
      "text-max-width": 8,
      "text-padding": 6,
      "symbol-sort-key": ["get", "zoom"],
    },
    paint: { "text-color": colour, "text-halo-color": p.halo, "text-halo-width": 1.4 },
  });
  return [
    place("village", 3, REGULAR, [10, 13], p.village),
    place("town", 2, REGULAR, [11, 15], p.village),
    place("city", 1, REGULAR, [11.5, 18], p.city),
    place("capital", 0, SEMIBOLD, [12, 19], p.city),
    {
      id: "country",
      type: "symbol",
      source: "world",
      "source-layer": "country",
      maxzoom: 7,
      filter: ["<=", ["get", "zoom"], ["zoom"]],
      layout: {
        "text-field": ["upcase", ["get", "name"]],
        "text-font": [REGULAR],
        "text-size": ["interpolate", ["linear"], ["zoom"], 2, 10, 6, 14],
        "text-letter-spacing": 0.14,
        "text-max-width": 7,
        "text-padding": 8,
      },
      paint: { "text-color": p.country, "text-halo-color": p.halo, "text-halo-width": 1.4 },
    },
  ];
}

function trail(p: Palette): LayerSpecification[] {
  return [
    { id: "accuracy", type: "fill", source: "accuracy", paint: { "fill-color": p.accent, "fill-opacity": 0.1 } },
    {
      id: "accuracy-rim",
      type: "line",
      source: "accuracy",
      paint: { "line-color": p.accent, "line-width": 1.2, "line-opacity": 0.55 },
    },
    {
      id: "trail",
      type: "line",
      source: "trail",
      filter: ["!", ["get", "gap"]],
      layout: { "line-cap": "round", "line-join": "round" },
      paint: { "line-color": p.accent, "line-width": 3.5, "line-opacity": 0.65 },
    },
    {
      id: "trail-gap",
      type: "line",
      source: "trail",
      filter: ["get", "gap"],
      paint: { "line-color": p.accent, "line-width": 2, "line-opacity": 0.5, "line-dasharray": [1, 2.5] },
    },
  ];
}

const byState = (live: unknown, late: unknown, other: unknown): ExpressionSpecification =>
  ["match", ["get", "state"], "live", live, "late", late, other] as ExpressionSpecification;

/** Live: a disc. Late: hollow. Offline: a small grey disc. */
function disc(p: Palette, raised: boolean) {
  const grow = raised ? 2 : 0;
  return {
    "circle-radius": byState(7.5 + grow, 6 + grow, 5 + grow),
    "circle-color": byState(p.live, p.surface, p.offline),
    "circle-stroke-color": byState(p.rim, p.late, p.rim),
    "circle-stroke-width": byState(2.2, 3.4, 1.6),
    "circle-opacity": byState(1, 1, 0.95),
    "circle-pitch-alignment": "map" as const,
  };
}

const nub = (shade: Shade, size: number) => ({
  "icon-image": `nub-${shade}`,
  "icon-size": size,
  "icon-rotate": ["get", "course"] as ExpressionSpecification,
  "icon-rotation-alignment": "map" as const,
  "icon-allow-overlap": true,
  "icon-ignore-placement": true,
});

const label = (p: Palette) => ({ "text-color": p.ink, "text-halo-color": p.halo, "text-halo-width": 1.8 });

type Drawn = Exclude<LayerSpecification, { type: "background" }>;

function people(p: Palette, shade: Shade): Drawn[] {
  const single: ExpressionSpecification = ["!", ["has", "point_count"]];
  return [
    {
      id: "people-edge", // the dark edge that lets amber stand out on a light map
      type: "circle",
      source: "people",
      filter: ["all", single, ["==", ["get", "state"], "late"]],
      paint: { "circle-radius": 10.2, "circle-color": p.lateRim },
    },
    { id: "people", type: "circle", source: "people", filter: single, paint: disc(p, false) },
    {
      id: "people-nub",
      type: "symbol",
      source: "people",
      filter: ["all", single, ["has", "course"]],
      layout: nub(shade, 1),
    },
    {
      id: "people-name",
      type: "symbol",
      source: "people",
      minzoom: 11.5,
      filter: single,
      layout: {
        "text-field": ["get", "name"],
        "text-font": [SEMIBOLD],
        "text-size": 12,
        "text-anchor": "top",
        "text-offset": [0, 1],
        "text-max-width": 12,
        "text-optional": true,
      },
      paint: label(p),
    },
  ];
}

function names(p: Palette): LayerSpecification {
  return {
    id: NAMES_LAYER,
    type: "symbol",
    source: "names",
    layout: {
      "text-field": ["get", "name"],
      "text-font": [SEMIBOLD],
      "text-size": 12,
      "text-anchor": "top",
      "text-offset": [0, 1],
      "text-max-width": 12,
      "symbol-sort-key": ["case", ["get", "hovered"], 0, 1],
    },
    paint: label(p),
  };
}

function clusters(p: Palette, shade: Shade): Drawn[] {
  const size = (s: unknown, m: unknown, l: unknown) =>
    ["step", ["get", "point_count"], s, 25, m, 250, l] as ExpressionSpecification;
  const steps = (key: string) => ["to-string", ["round", ["*", RING_STEPS, ["/", ["get", key], ["get", "point_count"]]]]] as ExpressionSpecification;
  const filter: ExpressionSpecification = ["has", "point_count"];
  return [
    {
      id: CLUSTER_LAYER,
      type: "circle",
      source: "people",
      filter,
      paint: {
        "circle-radius": size(RING_SIZES.s / 2, RING_SIZES.m / 2, RING_SIZES.l / 2),
        "circle-color": p.surface,
        "circle-stroke-color": p.rim,
        "circle-stroke-width": 1.5,
      },
    },
    {
      id: "cluster-count",
      type: "symbol",
      source: "people",
      filter,
      layout: {
        "icon-image": ["concat", `ring-${shade}-`, size("s", "m", "l"), "-", steps("live"), "-", steps("late")] as ExpressionSpecification,
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "text-field": ["get", "point_count_abbreviated"],
        "text-font": [SEMIBOLD],
        "text-size": size(12, 13, 14),
        "text-allow-overlap": true,
        "text-ignore-placement": true,
      },
      paint: { "text-color": p.ink },
    },
  ];
}

function chosen(p: Palette, shade: Shade): LayerSpecification[] {
  return [
    {
      id: "chosen-halo",
      type: "circle",
      source: "chosen",
      paint: {
        "circle-radius": 19,
        "circle-color": p.accent,
        "circle-opacity": 0.16,
        "circle-stroke-color": p.accent,
        "circle-stroke-width": 2,
      },
    },
    {
      id: "chosen-edge",
      type: "circle",
      source: "chosen",
      filter: ["==", ["get", "state"], "late"],
      paint: { "circle-radius": 12.2, "circle-color": p.lateRim },
    },
    { id: "chosen", type: "circle", source: "chosen", paint: disc(p, true) },
    { id: "chosen-nub", type: "symbol", source: "chosen", filter: ["has", "course"], layout: nub(shade, 1.27) },
    {
      id: "chosen-name",
      type: "symbol",
      source: "chosen",
      layout: {
        "text-field": ["get", "name"],
        "text-font": [SEMIBOLD],
        "text-size": 13,
        "text-anchor": "top",
        "text-offset": [0, 1.7],
        "text-allow-overlap": true, // always there; other names make room for it
      },
      paint: { ...label(p), "text-color": p.accent, "text-halo-width": 2.2 },
    },
  ];
}
