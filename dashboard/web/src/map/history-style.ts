// The layers of the history's map.

import type { FeatureCollection } from "geojson";
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import { SEMIBOLD } from "./fonts";
import { PALETTES, type Shade } from "./palette";
import { compose, type Base } from "./style";

export const HISTORY_SOURCES = ["gaps", "way", "picked", "stops", "here"] as const;

/** From standing to fast; told apart also by who does not see all colours (from light to dark, or the other way at night). */
export const SPEED_COLOURS: Readonly<Record<Shade, readonly string[]>> = {
  light: ["#e0852b", "#c65a7c", "#8d4aa8", "#4b45b0", "#17296f"],
  dark: ["#b5662a", "#d0628a", "#b884e6", "#93b3ff", "#d6f0ff"],
};

export function historyStyle(base: Base): StyleSpecification {
  const empty: FeatureCollection = { type: "FeatureCollection", features: [] };
  const sources = Object.fromEntries(HISTORY_SOURCES.map((id) => [id, { type: "geojson" as const, data: empty }]));
  return compose(base, sources, layers(base.shade));
}

function layers(shade: Shade): LayerSpecification[] {
  const p = PALETTES[shade];
  const round = { "line-cap": "round", "line-join": "round" } as const;
  const width = (by: number): ExpressionSpecification => ["interpolate", ["linear"], ["zoom"], 6, 3 + by, 14, 4.5 + by];
  const [slowest = "", ...colours] = SPEED_COLOURS[shade];
  const bySpeed = ["step", ["get", "step"], slowest, ...colours.flatMap((colour, i) => [i + 1, colour])] as ExpressionSpecification;
  return [
    { id: "gaps", type: "line", source: "gaps", layout: round, paint: { "line-color": p.ink, "line-width": 2.2, "line-opacity": 0.6, "line-dasharray": [0.1, 2.4] } },
    { id: "picked-line", type: "line", source: "picked", filter: ["==", ["geometry-type"], "LineString"], layout: round, paint: { "line-color": p.accent, "line-width": width(9), "line-opacity": 0.3 } },
    { id: "way-rim", type: "line", source: "way", layout: round, paint: { "line-color": p.rim, "line-width": width(3) } },
    { id: "way", type: "line", source: "way", layout: round, paint: { "line-color": bySpeed, "line-width": width(0) } },
    { id: "picked-stop", type: "circle", source: "picked", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 18, "circle-color": p.accent, "circle-opacity": 0.3 } },
    {
      id: "stops",
      type: "circle",
      source: "stops",
      paint: {
        "circle-radius": 10.5,
        "circle-color": ["case", ["==", ["get", "kind"], "stop"], p.surface, p.ink],
        "circle-stroke-color": p.ink,
        "circle-stroke-width": 1.6,
      },
    },
    {
      id: "stop-numbers",
      type: "symbol",
      source: "stops",
      layout: { "text-field": ["get", "label"], "text-font": [SEMIBOLD], "text-size": 11.5, "text-allow-overlap": true, "text-ignore-placement": true },
      paint: { "text-color": ["case", ["==", ["get", "kind"], "stop"], p.ink, p.surface] },
    },
    { id: "here-halo", type: "circle", source: "here", paint: { "circle-radius": 19, "circle-color": p.accent, "circle-opacity": 0.2, "circle-stroke-color": p.accent, "circle-stroke-width": 2 } },
    { id: "here", type: "circle", source: "here", paint: { "circle-radius": 9.5, "circle-color": p.live, "circle-stroke-color": p.rim, "circle-stroke-width": 2.6 } },
    {
      id: "here-nub",
      type: "symbol",
      source: "here",
      filter: ["has", "course"],
      layout: {
        "icon-image": `nub-${shade}`, "icon-size": 1.27, "icon-rotate": ["get", "course"], "icon-rotation-alignment": "map",
        "icon-allow-overlap": true, "icon-ignore-placement": true,
      },
    },
  ];
}
