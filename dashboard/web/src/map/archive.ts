// Looks at an archive of tiles, to know how to draw it.

import { PMTiles, TileType } from "pmtiles";
import type { Archive } from "./streets";

interface Metadata {
  readonly attribution?: unknown;
  readonly vector_layers?: unknown;
}

/** Reads what an archive says of itself. `attribution` is what the operator says, which counts more. Throws if it cannot be had. */
export async function readArchive(url: string, attribution: string): Promise<Archive> {
  const archive = new PMTiles(url);
  const { tileType, minLon, minLat, maxLon, maxLat } = await archive.getHeader();
  const metadata = (await archive.getMetadata()) as Metadata | null;
  const own = typeof metadata?.attribution === "string" ? metadata.attribution : "";
  return {
    kind: "archive",
    url,
    tiles: tileType === TileType.Mvt ? "vector" : "raster",
    layers: layerNames(metadata?.vector_layers),
    bounds: [minLon, minLat, maxLon, maxLat],
    attribution: attribution || own,
  };
}

function layerNames(layers: unknown): string[] {
  if (!Array.isArray(layers)) return [];
  return layers.flatMap((layer: { id?: unknown } | null) => (typeof layer?.id === "string" ? [layer.id] : []));
}
