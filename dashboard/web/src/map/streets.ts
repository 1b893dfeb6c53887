// The street map that the server is configured with, if any. The built-in world map is the answer when there
// is none, and when it fails.

import type { StyleSpecification } from "maplibre-gl";

import type { Box } from "../core/geo";

export type Streets =
  | { readonly kind: "raster"; readonly tiles: string; readonly attribution: string }
  | { readonly kind: "style"; readonly style: StyleSpecification; readonly attribution: string }
  | Archive;

/** One file of tiles on our own server. */
export interface Archive {
  readonly kind: "archive";
  readonly url: string;
  readonly tiles: "vector" | "raster";
  /** The layers of vector tiles. */
  readonly layers: readonly string[];
  readonly bounds: Box;
  readonly attribution: string;
}

/** Reads the server's setting: `pmtiles:PATH`, `style:URL` or `raster:URL-TEMPLATE`; null if there is none. Throws if it cannot be had. */
export async function loadStreets(base: string): Promise<Streets | null> {
  const settings = (await json(new URL("api/v1/settings", base).href)) as { map?: { style?: string; attribution?: string } };
  const setting = parseSetting(settings.map?.style ?? "");
  const attribution = settings.map?.attribution ?? "";
  if (!setting) return null;
  if (setting.kind === "raster") return { kind: "raster", tiles: setting.url, attribution };
  if (setting.kind === "pmtiles") return (await import("./archive")).readArchive(new URL(setting.url, base).href, attribution);
  const style = (await json(setting.url)) as StyleSpecification;
  if (style?.version !== 8 || !Array.isArray(style.layers)) throw new Error("it is not a map style");
  return { kind: "style", style, attribution };
}

/** Splits the setting into its kind and its address. */
export function parseSetting(text: string): { kind: "raster" | "style" | "pmtiles"; url: string } | null {
  const [, kind, url] = /^(raster|style|pmtiles):(.+)$/.exec(text.trim()) ?? [];
  return (kind === "raster" || kind === "style" || kind === "pmtiles") && url ? { kind, url } : null;
}

async function json(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(15_000) });
  if (!response.ok) throw new Error(`the answer is ${response.status}`);
  return response.json();
}
