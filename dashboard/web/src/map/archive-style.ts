// How street tiles of an archive are drawn: calm, so that people stand out. Three schemas of vector tiles are
// known by their layers; of another the lines and areas are drawn, which is better than nothing.
//
// Sources: https://docs.protomaps.com/basemaps/layers, https://openmaptiles.org/schema,
// https://shortbread-tiles.org/schema/1.0

import type { ExpressionSpecification, FilterSpecification, LayerSpecification } from "maplibre-gl";
import { REGULAR, SEMIBOLD } from "./fonts";
import type { Palette } from "./palette";
import type { Archive } from "./streets";

/** The source of a street map. */
export const STREETS = "streets";
/** From here on streets are drawn, above the world, which is right from afar. */
export const STREETS_ZOOM = 7;

/** Something that a schema has: the layer of the tiles, and which of its features. */
interface Part {
  readonly layer: string;
  readonly filter?: ExpressionSpecification;
}

type Road = "path" | "minor" | "major" | "motorway";

interface Schema {
  /** A layer that only this schema has. */
  readonly sign: string;
  readonly land?: Part;
  readonly green: readonly Part[];
  readonly water: readonly Part[];
  readonly buildings: Part;
  readonly roads: { readonly layer: string; readonly key: string; readonly kinds: Readonly<Record<Road, readonly string[]>> };
  readonly rails: Part;
  readonly roadNames: Part;
  readonly borders: readonly Part[];
  readonly places: { readonly layer: string; readonly key: string; readonly towns: readonly string[]; readonly quarters: readonly string[] };
}

const among = (key: string, values: readonly string[]): ExpressionSpecification => ["in", ["get", key], ["literal", [...values]]];
const is = (key: string, value: string | number): ExpressionSpecification => ["==", ["get", key], value];

const SCHEMAS: readonly Schema[] = [
  {
    sign: "earth", // Protomaps
    land: { layer: "earth" },
    green: [{ layer: "landuse", filter: among("kind", ["park", "forest", "wood", "grass", "nature_reserve", "cemetery", "golf_course", "national_park", "recreation_ground", "garden", "meadow"]) }],
    water: [{ layer: "water" }],
    buildings: { layer: "buildings" },
    roads: { layer: "roads", key: "kind", kinds: { path: ["path", "other"], minor: ["minor_road"], major: ["major_road", "medium_road"], motorway: ["highway"] } },
    rails: { layer: "roads", filter: is("kind", "rail") },
    roadNames: { layer: "roads", filter: ["!", among("kind", ["rail", "path", "other", "ferry"])] },
    borders: [{ layer: "boundaries", filter: is("kind", "country") }],
    places: { layer: "places", key: "kind", towns: ["locality"], quarters: ["neighbourhood", "macrohood"] },
  },
  {
    sign: "transportation", // OpenMapTiles
    green: [{ layer: "landcover", filter: among("class", ["wood", "grass"]) }, { layer: "park" }],
    water: [{ layer: "water" }],
    buildings: { layer: "building" },
    roads: {
      layer: "transportation", key: "class",
      kinds: { path: ["path", "track"], minor: ["minor", "service", "tertiary"], major: ["primary", "secondary", "trunk"], motorway: ["motorway"] },
    },
    rails: { layer: "transportation", filter: among("class", ["rail", "transit"]) },
    roadNames: { layer: "transportation_name" },
    borders: [{ layer: "boundary", filter: ["all", is("admin_level", 2), ["!=", ["get", "maritime"], 1]] }],
    places: { layer: "place", key: "class", towns: ["city", "town", "village"], quarters: ["suburb", "quarter", "neighbourhood", "hamlet"] },
  },
  {
    sign: "street_labels", // Shortbread
    green: [{ layer: "land", filter: among("kind", ["forest", "grass", "park", "meadow", "garden", "cemetery", "golf_course", "village_green", "recreation_ground"]) }],
    water: [{ layer: "ocean" }, { layer: "water_polygons" }],
    buildings: { layer: "buildings" },
    roads: {
      layer: "streets", key: "kind",
      kinds: {
        path: ["path", "footway", "cycleway", "steps", "track", "pedestrian"], minor: ["residential", "unclassified", "living_street", "service", "tertiary"],
        major: ["primary", "secondary", "trunk"], motorway: ["motorway"],
      },
    },
    rails: { layer: "streets", filter: among("kind", ["rail", "subway", "tram", "light_rail"]) },
    roadNames: { layer: "street_labels" },
    borders: [{ layer: "boundaries", filter: ["all", is("admin_level", 2), ["!=", ["get", "maritime"], true]] }],
    places: { layer: "place_labels", key: "kind", towns: ["city", "capital", "state_capital", "town", "village"], quarters: ["suburb", "quarter", "neighbourhood", "hamlet"] },
  },
];

/** The schema that tiles with these layers follow; null if none is known. */
export const schemaOf = (layers: readonly string[]): Schema | null => SCHEMAS.find((s) => layers.includes(s.sign)) ?? null;

/** The layers of an archive, from the ground up. Those of borders have ids that begin with "boundary". */
export function archiveLayers(archive: Archive, p: Palette, language = ""): LayerSpecification[] {
  if (archive.tiles === "raster") return [{ id: STREETS, type: "raster", source: STREETS, minzoom: STREETS_ZOOM }];
  const schema = schemaOf(archive.layers);
  return schema ? known(schema, p, language) : unknown(archive.layers, p);
}

function known(schema: Schema, p: Palette, language: string): LayerSpecification[] {
  const { roads, places } = schema;
  const area: FilterSpecification = ["==", ["geometry-type"], "Polygon"];
  const fill = (id: string, part: Part, colour: string, minzoom = STREETS_ZOOM): LayerSpecification => ({
    id, type: "fill", source: STREETS, "source-layer": part.layer, minzoom, filter: part.filter ? ["all", area, part.filter] : area, paint: { "fill-color": colour },
  });
  const road = (id: string, kind: Road, colour: string, px: Widths, minzoom: number): LayerSpecification => ({
    id, type: "line", source: STREETS, "source-layer": roads.layer, minzoom, filter: among(roads.key, roads.kinds[kind]),
    layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": colour, "line-width": width(px) },
  });
  return [
    ...(schema.land ? [fill("streets-land", schema.land, p.land)] : []),
    ...schema.green.map((part, i) => fill(`streets-green-${i}`, part, p.green)),
    ...schema.water.map((part, i) => fill(`streets-water-${i}`, part, p.water)),
    fill("streets-building", schema.buildings, p.building, 14),
    { ...road("streets-path", "path", p.road, [1, 1.5, 2.5], 14), paint: { "line-color": p.roadEdge, "line-width": 1, "line-dasharray": [2, 2] } } as LayerSpecification,
    road("streets-minor-edge", "minor", p.roadEdge, [1, 5, 15], 13),
    road("streets-major-edge", "major", p.roadEdge, [2.2, 7.5, 20], 9),
    road("streets-motorway-edge", "motorway", p.roadEdge, [2.8, 9, 24], STREETS_ZOOM),
    road("streets-minor", "minor", p.road, [0.6, 3.6, 13], 12),
    road("streets-major", "major", p.road, [1.2, 5.8, 18], 9),
    road("streets-motorway", "motorway", p.motorway, [1.6, 7, 21], STREETS_ZOOM),
    {
      id: "streets-rail", type: "line", source: STREETS, "source-layer": schema.rails.layer, minzoom: 12, ...(schema.rails.filter && { filter: schema.rails.filter }),
      paint: { "line-color": p.roadEdge, "line-width": 1.2 },
    },
    ...schema.borders.map((part, i): LayerSpecification => ({
      id: `boundary-streets-${i}`, type: "line", source: STREETS, "source-layer": part.layer, minzoom: STREETS_ZOOM, ...(part.filter && { filter: part.filter }),
      paint: { "line-color": p.boundary, "line-width": 1.4, "line-dasharray": [4, 2] },
    })),
    {
      id: "streets-name", type: "symbol", source: STREETS, "source-layer": schema.roadNames.layer, minzoom: 13, ...(schema.roadNames.filter && { filter: schema.roadNames.filter }),
      layout: { "symbol-placement": "line", "text-field": nameIn(language), "text-font": [REGULAR], "text-size": ["interpolate", ["linear"], ["zoom"], 13, 10, 18, 13] },
      paint: { "text-color": p.village, "text-halo-color": p.halo, "text-halo-width": 1.4 },
    },
    place("streets-quarter", places.layer, among(places.key, places.quarters), 11, REGULAR, [11, 14], p.village, p, language),
    place("streets-town", places.layer, among(places.key, places.towns), STREETS_ZOOM, SEMIBOLD, [11.5, 18], p.city, p, language),
  ];
}

function place(id: string, layer: string, filter: ExpressionSpecification, minzoom: number, font: string, px: [number, number], colour: string, p: Palette, language: string): LayerSpecification {
  return {
    id, type: "symbol", source: STREETS, "source-layer": layer, minzoom, filter,
    layout: { "text-field": nameIn(language), "text-font": [font], "text-size": ["interpolate", ["linear"], ["zoom"], STREETS_ZOOM, px[0], 15, px[1]], "text-max-width": 8, "text-padding": 8 },
    paint: { "text-color": colour, "text-halo-color": p.halo, "text-halo-width": 1.4 },
  };
}

/** Widths in pixels at zoom 9, 14 and 18. */
type Widths = readonly [number, number, number];

const width = ([far, middle, near]: Widths): ExpressionSpecification => ["interpolate", ["exponential", 1.5], ["zoom"], 9, far, 14, middle, 18, near];

/** The name in a language if there is one, else as it is written there. */
const nameIn = (language: string): ExpressionSpecification =>
  (language ? ["coalesce", ["get", `name:${language}`], ["get", "name"], ""] : ["coalesce", ["get", "name"], ""]);

/** Tiles of which nothing is known: areas as such, and lines as streets. */
function unknown(layers: readonly string[], p: Palette): LayerSpecification[] {
  const of = (geometry: string): FilterSpecification => ["==", ["geometry-type"], geometry];
  return layers.flatMap((layer): LayerSpecification[] => [
    { id: `streets-area-${layer}`, type: "fill", source: STREETS, "source-layer": layer, minzoom: STREETS_ZOOM, filter: of("Polygon"), paint: { "fill-color": p.building, "fill-opacity": 0.5 } },
    { id: `streets-line-${layer}`, type: "line", source: STREETS, "source-layer": layer, minzoom: STREETS_ZOOM, filter: of("LineString"), paint: { "line-color": p.roadEdge, "line-width": 1.2 } },
  ]);
}
