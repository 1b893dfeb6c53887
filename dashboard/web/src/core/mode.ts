// Clusters or dots. Clusters are made by MapLibre from GeoJSON, which takes a second at 5,000 people and ever
// longer beyond; dots are drawn by our own layer, which takes any number, and can glide.

export type Mode = "clusters" | "dots";

/** From more people than this on they are dots, */
export const MANY = 5_000;
/** and clusters again from fewer than this. */
export const FEW = 4_500;
/** In view, dots are also drawn for this many, if they stand apart: there is nothing to cluster then. */
export const APART_MAX = 300;
/** How far apart in pixels is apart; dots become clusters when closer than the second. */
export const APART_PX = 56;
export const CROWDED_PX = 24;

/** What is drawn, and whether that is because of the number of people. */
export interface Drawing {
  readonly mode: Mode;
  readonly many: boolean;
}

/**
 * What to draw, from what is drawn.
 * @param people how many pass the filter
 * @param clustered whether the zoom is one at which clusters are made
 * @param pixels the places in view, or null if they are more than APART_MAX
 */
export function nextDrawing(now: Drawing, people: number, clustered: boolean, pixels: readonly (readonly [number, number])[] | null): Drawing {
  const many = people > MANY || (now.many && people > FEW);
  if (many || !clustered) return { mode: "dots", many };
  const dots = pixels !== null && apart(pixels, now.mode === "dots" ? CROWDED_PX : APART_PX);
  return { mode: dots ? "dots" : "clusters", many };
}

/** Reports whether no two places are closer than this. */
export function apart(pixels: readonly (readonly [number, number])[], px: number): boolean {
  const cells = new Map<string, (readonly [number, number])[]>();
  for (const p of pixels) {
    const [cx, cy] = [Math.floor(p[0] / px), Math.floor(p[1] / px)];
    for (let x = cx - 1; x <= cx + 1; x++) {
      for (let y = cy - 1; y <= cy + 1; y++) {
        if (cells.get(`${x}/${y}`)?.some((q) => Math.hypot(q[0] - p[0], q[1] - p[1]) < px)) return false;
      }
    }
    const key = `${cx}/${cy}`;
    cells.set(key, [...(cells.get(key) ?? []), p]);
  }
  return true;
}
