// Pictures that the map needs, drawn here: the nub that shows where somebody is heading, and the ring around
// a cluster that shows how its people are. There are no sprite files.

import type { Map as MapLibre, StyleImageMetadata } from "maplibre-gl";
import { PALETTES, type Palette, type Shade } from "./palette";

const RATIO = 2;
const SHADES: readonly Shade[] = ["light", "dark"];

/** Parts of a cluster's ring are rounded to this many steps, so that the number of pictures is bounded. */
export const RING_STEPS = 8;
export const RING_SIZES = { s: 36, m: 44, l: 54 } as const;
export type RingSize = keyof typeof RING_SIZES;

/** Adds the pictures of both themes; rings are drawn when the map first asks for them. */
export function addImages(map: MapLibre): void {
  for (const shade of SHADES) {
    map.addImage(`nub-${shade}`, nub(PALETTES[shade]), { pixelRatio: RATIO });
  }
}

/** Draws a picture that is not there yet, by its name: `ring-SIZE-LIVE-LATE-SHADE`. */
export function drawMissing(map: MapLibre, name: string): void {
  const [kind, size, live, late, shade] = name.split("-");
  if (kind !== "ring" || map.hasImage(name)) return;
  const px = RING_SIZES[size as RingSize];
  const palette = PALETTES[shade as Shade];
  if (!px || !palette) return;
  const options: Partial<StyleImageMetadata> = { pixelRatio: RATIO };
  map.addImage(name, ring(px, Number(live) / RING_STEPS, Number(late) / RING_STEPS, palette), options);
}

function canvas(px: number): { ctx: CanvasRenderingContext2D; done: () => ImageData } {
  const element = document.createElement("canvas");
  element.width = element.height = px * RATIO;
  const ctx = element.getContext("2d", { willReadFrequently: true });
  if (!ctx) throw new Error("this browser cannot draw");
  ctx.scale(RATIO, RATIO);
  return { ctx, done: () => ctx.getImageData(0, 0, px * RATIO, px * RATIO) };
}

/** A tip that looks out from behind the disc, pointing north. */
function nub(palette: Palette): ImageData {
  const { ctx, done } = canvas(40);
  ctx.beginPath();
  ctx.moveTo(20, 2.5);
  ctx.quadraticCurveTo(25, 8, 27.6, 15);
  ctx.quadraticCurveTo(20, 10.5, 12.4, 15);
  ctx.quadraticCurveTo(15, 8, 20, 2.5);
  ctx.closePath();
  ctx.lineJoin = "round";
  ctx.lineWidth = 3;
  ctx.strokeStyle = palette.rim;
  ctx.stroke();
  ctx.fillStyle = palette.live;
  ctx.fill();
  return done();
}

/** A ring: first the live part, then the late one, the rest is offline. */
function ring(px: number, live: number, late: number, palette: Palette): ImageData {
  const { ctx, done } = canvas(px);
  const width = 4;
  const radius = px / 2 - width / 2 - 1;
  let from = -Math.PI / 2;
  for (const [part, colour] of [[live, palette.live], [late, palette.late], [1 - live - late, palette.offline]] as const) {
    if (part <= 0.001) continue;
    const to = from + part * 2 * Math.PI;
    ctx.beginPath();
    ctx.arc(px / 2, px / 2, radius, from, to);
    ctx.lineWidth = width;
    ctx.strokeStyle = colour;
    ctx.stroke();
    from = to;
  }
  return done();
}
