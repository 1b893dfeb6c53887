import { createHash } from "node:crypto";
import { PMTiles } from "pmtiles";
import { describe, expect, it } from "vitest";
import { tiles } from "./layers.mjs";
import { rankPlaces } from "./places.mjs";
import { writePMTiles } from "./pmtiles.mjs";
import { unwrap } from "./unwrap.mjs";

const options = { minZoom: 0, maxZoom: 8, metadata: { name: "test" } };

/** Reads an archive that is in memory with the reader that the app uses. */
function reader(bytes) {
  return new PMTiles({
    getKey: () => "memory",
    getBytes: async (offset, length) => ({ data: new Uint8Array(bytes.subarray(offset, offset + length)).buffer }),
  });
}
const bytesOf = (text) => new TextEncoder().encode(text);

describe("writePMTiles", () => {
  it("writes what the reader reads", async () => {
    const some = [[0, 0, 0, "world"], [3, 1, 2, "a"], [3, 2, 1, "b"], [8, 255, 255, "corner"]];
    const archive = reader(writePMTiles(some.map(([z, x, y, t]) => ({ z, x, y, data: bytesOf(t) })), options));
    expect(await archive.getHeader()).toMatchObject({ specVersion: 3, minZoom: 0, maxZoom: 8, tileType: 1, numAddressedTiles: 4, clustered: true });
    expect(await archive.getMetadata()).toEqual({ name: "test" });
    for (const [z, x, y, text] of some) {
      expect(new TextDecoder().decode((await archive.getZxy(z, x, y)).data)).toBe(text);
    }
    expect(await archive.getZxy(5, 5, 5)).toBeUndefined();
  });

  it("stores equal tiles once and finds each of them, also through leaf directories", async () => {
    const many = [];
    for (let x = 0; x < 256; x++) for (let y = 0; y < 256; y++) many.push({ z: 8, x, y, data: bytesOf((x * 7 + y * 13) % 3 ? `${x}.${y}` : "sea") });
    const bytes = writePMTiles(many, options);
    const archive = reader(bytes);
    const header = await archive.getHeader();
    expect(header.numAddressedTiles).toBe(65_536);
    expect(header.numTileContents).toBe(new Set(many.map((t) => Buffer.from(t.data).toString())).size);
    expect(header.leafDirectoryLength).toBeGreaterThan(0);
    expect(header.rootDirectoryOffset + header.rootDirectoryLength).toBeLessThanOrEqual(16_384);
    for (let i = 0; i < many.length; i += 997) {
      const { z, x, y, data } = many[i];
      expect(new Uint8Array((await archive.getZxy(z, x, y)).data)).toEqual(data);
    }
  }, 60_000);

  it("gives the same bytes for the same tiles in any order", () => {
    const some = [[1, 0, 0], [1, 1, 0], [0, 0, 0], [4, 3, 3]].map(([z, x, y]) => ({ z, x, y, data: bytesOf(`${z}${x}${y}`) }));
    expect(writePMTiles(some, options).equals(writePMTiles([...some].reverse(), options))).toBe(true);
  });
});

describe("the basemap", () => {
  const build = () => writePMTiles(tiles({ maxZoom: 3 }), { ...options, maxZoom: 3 });
  it("is the same whenever it is built", () => {
    const hash = () => createHash("sha256").update(build()).digest("hex");
    expect(hash()).toBe(hash());
  }, 120_000);
  it("has every layer, and the whole world in one tile", async () => {
    const archive = reader(build());
    const tile = Buffer.from((await archive.getZxy(0, 0, 0)).data).toString("latin1");
    for (const layer of ["land", "boundary"]) expect(tile).toContain(layer);
    const three = Buffer.from((await archive.getZxy(3, 4, 2)).data).toString("latin1");
    for (const layer of ["land", "boundary", "country", "place", "Paris"]) expect(three).toContain(layer);
  }, 120_000);
});

describe("unwrap", () => {
  it("lets a ring go on beyond the antimeridian", () => {
    const ring = [[170, 60], [-175, 61], [-175, 65], [172, 66], [170, 60]];
    expect(unwrap(ring)).toEqual([[170, 60], [185, 61], [185, 65], [172, 66], [170, 60]]);
  });
  it("closes a ring around a pole along it", () => {
    const ring = [[-90, -70], [90, -70], [179, -70], [-120, -72], [-90, -70]];
    expect(unwrap(ring)).toEqual([[-90, -70], [90, -70], [179, -70], [240, -72], [270, -70], [270, -89], [-90, -89], [-90, -70]]);
  });
  it("leaves other rings as they are", () => {
    const ring = [[1, 2], [3, 4], [5, 0], [1, 2]];
    expect(unwrap(ring)).toEqual(ring);
  });
});

describe("rankPlaces", () => {
  const place = (name, population, lon, lat, featureCode = "PPL") => ({ name, population, featureCode, loc: { coordinates: [lon, lat] } });
  it("shows the heavier of two neighbours first, a capital before a larger city", () => {
    const ranked = rankPlaces([place("Suburb", 50_000, 10.01, 50), place("City", 900_000, 10, 50), place("Seat", 300_000, 10.02, 50, "PPLC")]);
    expect(ranked.map((p) => p.name)).toEqual(["Seat", "City", "Suburb"]);
    expect(ranked[0].zoom).toBe(2);
    expect(ranked[1].zoom).toBeGreaterThan(2);
    expect(ranked.every((p) => p.zoom >= 2 && p.zoom <= 11)).toBe(true);
  });
  it("does not depend on the order of the input", () => {
    const some = Array.from({ length: 300 }, (_, i) => place(`p${i}`, (i * 7919) % 5000, (i * 37) % 180, (i * 17) % 80));
    expect(rankPlaces(some)).toEqual(rankPlaces([...some].reverse()));
  });
});
