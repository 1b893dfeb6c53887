// Which place gets a label from which zoom on.

const TILE_PX = 512; // MapLibre's tile at its own zoom
const CELL_PX = 72;
const FIRST_ZOOM = 2;
const LAST_ZOOM = 11; // whatever has found no room until here is shown from here on

/** A place's weight on the map: people, with a bonus for the seat of a government. */
export function weight(place) {
  const bonus = { PPLC: 8, PPLA: 2, PPLA2: 1.3 }[place.featureCode] ?? 1;
  return place.population * bonus;
}

/** Size class for the style: 0 capital, 1 city, 2 town, 3 village. */
export function sizeClass(place) {
  if (place.featureCode === "PPLC") return 0;
  if (place.population >= 200_000) return 1;
  return place.population >= 20_000 ? 2 : 3;
}

/** Web Mercator in the unit square. */
export function mercator(lon, lat) {
  const s = Math.sin((lat * Math.PI) / 180);
  return [lon / 360 + 0.5, 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)];
}

/**
 * Gives each place the first zoom at which no heavier place stands in its grid cell. Greedy by weight, so
 * it is deterministic, and a label that is shown at a zoom stays shown at all higher ones.
 *
 * @param {{name: string, featureCode: string, population: number, loc: {coordinates: [number, number]}}[]} cities
 * @returns {{name: string, size: number, zoom: number, weight: number, x: number, y: number}[]} heaviest first
 */
export function rankPlaces(cities) {
  const places = cities
    .filter((c) => c.name && Math.abs(c.loc.coordinates[1]) < 85)
    .map((c) => {
      const [x, y] = mercator(...c.loc.coordinates);
      return { name: c.name, size: sizeClass(c), zoom: 0, weight: weight(c), x, y };
    })
    .sort((a, b) => b.weight - a.weight || compare(a.name, b.name) || a.x - b.x || a.y - b.y);
  for (let zoom = FIRST_ZOOM; zoom < LAST_ZOOM; zoom++) {
    const cells = (TILE_PX * 2 ** zoom) / CELL_PX;
    const taken = new Set();
    for (const p of places) {
      const cell = Math.floor(p.x * cells) * 1e7 + Math.floor(p.y * cells);
      if (p.zoom) taken.add(cell);
      else if (!taken.has(cell)) {
        taken.add(cell);
        p.zoom = zoom;
      }
    }
  }
  for (const p of places) p.zoom ||= LAST_ZOOM;
  return places;
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0); // by code unit: the same in every locale
