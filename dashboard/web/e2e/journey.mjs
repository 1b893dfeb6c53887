// A made-up morning: a drive of 20 minutes to the east, ten minutes at one place, an hour of silence, a drive of ten minutes
// to the north. A fix every 30 s, none twice.

const METRE = 1 / 111_195; // degrees of latitude

/** The fixes of such a morning, as OwnTracks has them, beginning at a moment in ms. */
export function journey(begin, lat = 12.97, lon = 77.59) {
  const east = METRE / Math.cos((lat * Math.PI) / 180);
  const fixes = [];
  const add = (minutes, n, e, more) => fixes.push({ lat: lat + n * METRE, lon: lon + e * east, tst: begin / 1000 + minutes * 60, acc: 6, ...more });
  for (let i = 0; i <= 40; i++) add(i / 2, 0, i * 300, { vel: 36, cog: 90 });
  for (let i = 1; i <= 20; i++) add(20 + i / 2, (i % 3) - 1, 12_000 + (i % 2), { vel: 0 });
  for (let i = 0; i <= 20; i++) add(90 + i / 2, 400 + i * 450, 12_000, { vel: 54, cog: 0 });
  return fixes;
}
