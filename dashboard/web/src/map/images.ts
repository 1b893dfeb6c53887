// Pictures that the map needs, drawn here: the nub that shows where somebody is heading, and the ring around
// a cluster that shows how its people are. There are no sprite files.

import type { Map as MapLibre } from "maplibre-gl";
import { PALETTES, type Palette, type Shade } from "./palette";

const RATIO = 2;

/** Parts of a cluster's ring are rounded to this many steps, so that the number of pictures is bounded. */
export const RING_STEPS = 8;
export const RING_SIZES = { s: 36, m: 44, l: 54 } as const;
export type RingSize = keyof typeof RING_SIZES;

/** Draws a picture that the map asks for by its name: `nub-SHADE` or `ring-SHADE-SIZE-LIVE-LATE`. */
export function draw(map: MapLibre, name: string): void {
  const [kind, shade, size, live, late] = name.split("-");
  const palette = PALETTES[shade as Shade];
  if (!palette || map.hasImage(name)) return;
  if (kind === "nub") map.addImage(name, nub(palette), { pixelRatio: RATIO });
  const px = RING_SIZES[size as RingSize];
  if (kind !== "ring" || !px) return;
  map.addImage(name, ring(px, Number(live) / RING_STEPS, Number(late) / RING_STEPS, palette), { pixelRatio: RATIO });
}

function canvas(px: number): { ctx: CanvasRenderingContext2D; done: () => ImageData } {
  const element = document.createElement("canvas");
  element.width = element.height = px * RATIO;
  const ctx = element.getContext("2d", { willReadFrequently: true });
  if (!ctx) throw new Error("this browser cannot draw");
  ctx.scale(RATIO, RATIO);
  return { ctx, done: () => ctx.getImageData(0, 0, px * RATIO, px * RATIO) };
}

/** The disc of somebody who moves: a drop that points north. It lies on the plain disc, with the same round part. */
function nub(palette: Palette): ImageData {
  const { ctx, done } = canvas(44);
  const drop = (radius: number, tip: number) => {
    const side = Math.acos(radius / tip); // where a line from the tip touches the circle
    ctx.beginPath();
    ctx.moveTo(22, 22 - tip);
    ctx.arc(22, 22, radius, -Math.PI / 2 + side, (3 * Math.PI) / 2 - side);
    ctx.closePath();
  };
  ctx.lineJoin = "round";
  drop(7.5, 14.5);
  ctx.lineWidth = 4.4;
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
