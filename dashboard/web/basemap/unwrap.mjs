// World Atlas is made for a globe: rings run across the antimeridian, where the longitude jumps from 180 to
// -180. On a flat map such a jump is a line around the world.

const POLE = 89;

/**
 * Returns the ring without jumps: longitudes go on beyond 180 instead. A ring around a pole, which has no
 * inside on a flat map, is closed along the pole.
 *
 * @param {[number, number][]} ring closed
 * @returns {[number, number][]}
 */
export function unwrap(ring) {
  const out = [];
  let turns = 0;
  ring.forEach(([lon, lat], i) => {
    const before = ring[i - 1]?.[0];
    if (before !== undefined && Math.abs(lon - before) > 180) turns += lon < before ? 1 : -1;
    out.push([lon + 360 * turns, lat]);
  });
  if (turns === 0) return out;
  const pole = out[0][1] < 0 ? -POLE : POLE;
  const [first, last] = [out[0], out.at(-1)];
  return [...out, [last[0], pole], [first[0], pole], first];
}
