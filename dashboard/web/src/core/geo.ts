// The little geometry that a map of people needs. Degrees and metres.

const RADIUS_M = 6371008.8; // mean radius of the Earth (IUGG 1980)
const RAD = Math.PI / 180;

export type LonLat = [lon: number, lat: number];

/** Great-circle distance in metres. */
export function distanceM(a: LonLat, b: LonLat): number {
  const sinLat = Math.sin(((b[1] - a[1]) * RAD) / 2);
  const sinLon = Math.sin(((b[0] - a[0]) * RAD) / 2);
  const h = sinLat * sinLat + Math.cos(a[1] * RAD) * Math.cos(b[1] * RAD) * sinLon * sinLon;
  return 2 * RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** A closed ring around a place, for the accuracy circle. */
export function circle([lon, lat]: LonLat, radiusM: number, points = 64): LonLat[] {
  const d = radiusM / RADIUS_M;
  const ring: LonLat[] = [];
  for (let i = 0; i <= points; i++) {
    const bearing = ((i % points) / points) * 2 * Math.PI;
    const phi = Math.asin(Math.sin(lat * RAD) * Math.cos(d) + Math.cos(lat * RAD) * Math.sin(d) * Math.cos(bearing));
    const lambda = Math.atan2(
      Math.sin(bearing) * Math.sin(d) * Math.cos(lat * RAD),
      Math.cos(d) - Math.sin(lat * RAD) * Math.sin(phi),
    );
    ring.push([lon + lambda / RAD, phi / RAD]);
  }
  return ring;
}

/** West, south, east, north. What crosses the antimeridian has a west below -180 or an east above 180. */
export type Box = readonly [west: number, south: number, east: number, north: number];

/** Reports whether a place is in a box, on whichever turn around the world the box is. */
export function isIn([west, south, east, north]: Box, [lon, lat]: LonLat): boolean {
  return lat >= south && lat <= north && (((lon - west) % 360) + 360) % 360 <= east - west;
}

/** The smallest box around places, or null for none. */
export function bounds(places: Iterable<LonLat>): [number, number, number, number] | null {
  let box: [number, number, number, number] | null = null;
  for (const [lon, lat] of places) {
    box ??= [lon, lat, lon, lat];
    box = [Math.min(box[0], lon), Math.min(box[1], lat), Math.max(box[2], lon), Math.max(box[3], lat)];
  }
  return box;
}

const STEPS = [45, 30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002];

/** The distance between lines of the graticule in degrees: the smallest step of at least `minPx` pixels. */
export function graticuleStep(zoom: number, minPx = 130): number {
  const degreesPerPx = 360 / (512 * 2 ** zoom);
  return STEPS.findLast((step) => step / degreesPerPx >= minPx) ?? 45;
}

export interface GridLine {
  readonly line: LonLat[];
  readonly label: string;
}

/** Meridians and parallels through a box, each with its label. */
export function graticule([west, south, east, north]: readonly [number, number, number, number], step: number): GridLine[] {
  const lines: GridLine[] = [];
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const label = (deg: number, positive: string, negative: string) => {
    const wrapped = ((((deg + 180) % 360) + 360) % 360) - 180;
    const value = positive === "E" ? wrapped : deg;
    return `${Math.abs(value).toFixed(digits)}° ${value < 0 ? negative : positive}`;
  };
  for (let i = Math.ceil(west / step); i * step <= east; i++) {
    lines.push({ line: [[i * step, Math.max(-85, south)], [i * step, Math.min(85, north)]], label: label(i * step, "E", "W") });
  }
  for (let i = Math.ceil(Math.max(-85, south) / step); i * step <= Math.min(85, north); i++) {
    lines.push({ line: [[west, i * step], [east, i * step]], label: label(i * step, "N", "S") });
  }
  return lines;
}
