// An archive of street tiles of a made-up town, small enough for a test: in the schema of Protomaps, zoom 7 to 14.

import { GeoJSONVT } from "@maplibre/geojson-vt";
import { fromGeojsonVt } from "@maplibre/vt-pbf";
import { writePMTiles } from "../basemap/pmtiles.mjs";

const MIN = 7;
const MAX = 14;
const SIZE = 0.06; // degrees from the middle to an edge

/** The bytes of the archive of a town around a place. */
export function townArchive(lat, lon) {
  const [west, south, east, north] = [lon - SIZE, lat - SIZE, lon + SIZE, lat + SIZE];
  const ring = (w, s, e, n) => [[[w, s], [e, s], [e, n], [w, n], [w, s]]];
  const street = (kind, name, from, to) => feature("LineString", [from, to], { kind, name });
  const block = 0.008;
  const streets = [];
  for (let i = -6; i <= 6; i++) {
    const kind = i === 0 ? "highway" : i % 3 === 0 ? "major_road" : "minor_road";
    streets.push(street(kind, `${i + 7}th Street`, [west, lat + i * block], [east, lat + i * block]));
    streets.push(street(kind, `${i + 7}th Avenue`, [lon + i * block, south], [lon + i * block, north]));
  }
  const houses = [];
  for (let i = -6; i < 6; i++) for (let j = -6; j < 6; j++) houses.push(feature("Polygon", ring(lon + (i + 0.3) * block, lat + (j + 0.3) * block, lon + (i + 0.7) * block, lat + (j + 0.7) * block), {}));
  const layers = {
    earth: [feature("Polygon", ring(west, south, east, north), {})],
    landuse: [feature("Polygon", ring(lon + block, lat + block, lon + 3 * block, lat + 3 * block), { kind: "park" })],
    water: [feature("Polygon", ring(lon - 4 * block, lat - 3 * block, lon - 2 * block, lat - block), { kind: "lake" })],
    buildings: houses,
    roads: streets,
    boundaries: [feature("LineString", [[west, lat + block / 8], [east, lat + block / 8]], { kind: "country" })],
    places: [feature("Point", [lon + block / 2, lat + block / 2], { kind: "locality", name: "Testham" })],
  };
  const indexes = Object.entries(layers).map(([name, features]) => [name, new GeoJSONVT({ type: "FeatureCollection", features }, { maxZoom: MAX, indexMaxZoom: MAX, indexMaxPoints: 0 })]);
  const tiles = [];
  for (let z = MIN; z <= MAX; z++) {
    const [x0, y0] = tileOf(west, north, z);
    const [x1, y1] = tileOf(east, south, z);
    for (let x = x0; x <= x1; x++) {
      for (let y = y0; y <= y1; y++) {
        const found = Object.fromEntries(indexes.map(([name, index]) => [name, index.getTile(z, x, y)]).filter(([, tile]) => tile?.features.length));
        if (Object.keys(found).length) tiles.push({ z, x, y, data: fromGeojsonVt(found, { version: 2, extent: 4096 }) });
      }
    }
  }
  const metadata = { name: "Testham", attribution: "© Surveyors of Testham", vector_layers: Object.keys(layers).map((id) => ({ id, fields: {} })) };
  return writePMTiles(tiles, { minZoom: MIN, maxZoom: MAX, metadata, bounds: [west, south, east, north] });
}

const feature = (type, coordinates, properties) => ({ type: "Feature", properties, geometry: { type, coordinates } });

function tileOf(lon, lat, z) {
  const phi = (lat * Math.PI) / 180;
  const y = (1 - Math.log(Math.tan(phi) + 1 / Math.cos(phi)) / Math.PI) / 2;
  return [Math.floor(((lon + 180) / 360) * 2 ** z), Math.floor(y * 2 ** z)];
}
