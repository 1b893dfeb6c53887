// Writes a PMTiles archive, version 3: https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md
// One file that a browser reads with HTTP Range requests, so the server needs no tile code.

import { gzipSync } from "node:zlib";
import { zxyToTileId } from "pmtiles";

const HEADER_BYTES = 127;
const ROOT_BYTES = 16_384 - HEADER_BYTES; // readers fetch header and root directory with one request of 16 KB
const GZIP = 2;
const MVT = 1;

/**
 * Returns the bytes of an archive. The same tiles give the same bytes, in whatever order they come.
 *
 * @param {Iterable<{z: number, x: number, y: number, data: Uint8Array}>} tiles vector tiles, not compressed
 * @param {{minZoom: number, maxZoom: number, metadata: object, bounds?: number[]}} options west, south, east, north; the world unless given
 * @returns {Buffer}
 */
export function writePMTiles(tiles, { minZoom, maxZoom, metadata, bounds = [-180, -85.051129, 180, 85.051129] }) {
  const { entries, blobs, dataBytes, addressed } = layOut(tiles);
  const { root, leaves } = directories(entries);
  const meta = gzip(JSON.stringify(metadata));

  const header = Buffer.alloc(HEADER_BYTES);
  header.write("PMTiles");
  header.writeUInt8(3, 7);
  const sections = [root.length, meta.length, leaves.length, dataBytes];
  let offset = HEADER_BYTES;
  sections.forEach((bytes, i) => {
    header.writeBigUInt64LE(BigInt(offset), 8 + 16 * i);
    header.writeBigUInt64LE(BigInt(bytes), 16 + 16 * i);
    offset += bytes;
  });
  [addressed, entries.length, blobs.length].forEach((n, i) => header.writeBigUInt64LE(BigInt(n), 72 + 8 * i));
  header.set([1, GZIP, GZIP, MVT, minZoom, maxZoom], 96); // 1: tile data is in the order of the entries
  bounds.forEach((deg, i) => header.writeInt32LE(Math.round(deg * 1e7), 102 + 4 * i));
  header.writeUInt8(minZoom, 118); // the centre stays at 0, 0

  return Buffer.concat([header, root, meta, leaves, ...blobs]);
}

/** Orders the tiles, stores equal ones once, and joins runs of equal neighbours. */
function layOut(tiles) {
  const sorted = [...tiles].map((t) => ({ id: zxyToTileId(t.z, t.x, t.y), data: t.data })).sort((a, b) => a.id - b.id);
  const seen = new Map();
  const blobs = [];
  const entries = [];
  let dataBytes = 0;
  for (const { id, data } of sorted) {
    const key = Buffer.from(data).toString("latin1");
    let at = seen.get(key);
    if (!at) {
      const blob = gzip(data);
      at = { offset: dataBytes, length: blob.length };
      seen.set(key, at);
      blobs.push(blob);
      dataBytes += blob.length;
    }
    const last = entries.at(-1);
    if (last && last.offset === at.offset && last.id + last.run === id) last.run++;
    else entries.push({ id, run: 1, ...at });
  }
  return { entries, blobs, dataBytes, addressed: sorted.length };
}

/** One root directory if it fits, else leaves of a size that makes the root fit. */
function directories(entries) {
  const root = directory(entries);
  if (root.length <= ROOT_BYTES) return { root, leaves: Buffer.alloc(0) };
  for (let size = 2048; ; size *= 2) {
    const leaves = [];
    const top = [];
    let offset = 0;
    for (let i = 0; i < entries.length; i += size) {
      const leaf = directory(entries.slice(i, i + size));
      top.push({ id: entries[i].id, run: 0, offset, length: leaf.length }); // run 0: a leaf, not a tile
      leaves.push(leaf);
      offset += leaf.length;
    }
    const small = directory(top);
    if (small.length <= ROOT_BYTES) return { root: small, leaves: Buffer.concat(leaves) };
  }
}

/** Serialises entries by columns: delta of id, run, length, offset (0: directly after the one before). */
function directory(entries) {
  const out = [];
  varint(out, entries.length);
  entries.forEach((e, i) => varint(out, e.id - (i ? entries[i - 1].id : 0)));
  entries.forEach((e) => varint(out, e.run));
  entries.forEach((e) => varint(out, e.length));
  entries.forEach((e, i) => {
    const before = entries[i - 1];
    varint(out, before && e.offset === before.offset + before.length ? 0 : e.offset + 1);
  });
  return gzip(Uint8Array.from(out));
}

function varint(out, n) {
  for (; n >= 128; n = Math.floor(n / 128)) out.push((n % 128) | 128);
  out.push(n);
}

const gzip = (data) => gzipSync(data, { level: 9 });
