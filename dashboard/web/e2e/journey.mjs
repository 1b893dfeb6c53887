// Made-up ways. A fix every 30 s, none twice.

const METRE = 1 / 111_195; // degrees of latitude

/**
 * A morning: a drive of 20 minutes to the east, ten minutes at one place, an hour of silence, a drive of ten minutes
 * to the north. As OwnTracks has them, beginning at a moment in ms.
 */
export function journey(begin, lat = 12.97, lon = 77.59) {
  const east = METRE / Math.cos((lat * Math.PI) / 180);
  const fixes = [];
  const add = (minutes, n, e, more) => fixes.push({ lat: lat + n * METRE, lon: lon + e * east, tst: begin / 1000 + minutes * 60, acc: 6, ...more });
  for (let i = 0; i <= 40; i++) add(i / 2, 0, i * 300, { vel: 36, cog: 90 });
  for (let i = 1; i <= 20; i++) add(20 + i / 2, (i % 3) - 1, 12_000 + (i % 2), { vel: 0 });
  for (let i = 0; i <= 20; i++) add(90 + i / 2, 400 + i * 450, 12_000, { vel: 54, cog: 0 });
  return fixes;
}

/** A day of somebody who drives through the streets of a town from customer to customer, with a tunnel after noon. */
export function workday(begin, lat = 12.97, lon = 77.59) {
  const east = METRE / Math.cos((lat * Math.PI) / 180);
  const visits = [[900, 2600, 25], [2900, 3300, 40], [4300, 1200, 15], [3600, -1500, 55], [900, -2300, 20], [-1400, -900, 30], [0, 0, 10]];
  const fixes = [];
  let [n, e, t, seed] = [0, 0, begin / 1000, 7];
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const add = (speed, cog, s = 30) => {
    t += s;
    fixes.push({ lat: lat + (n + random() * 6) * METRE, lon: lon + (e + random() * 6) * east, tst: Math.round(t), acc: 5 + Math.round(random() * 8), vel: Math.round(speed), cog, batt: 92 - Math.round((t - begin / 1000) / 700) });
  };
  for (const [i, [north, easting, minutes]] of visits.entries()) {
    while (n !== north || e !== easting) { // in streets, that is in turns to the north and to the east
      const upward = (e === easting || random() < 0.5) && n !== north;
      const left = upward ? north - n : easting - e;
      const wide = Math.abs(upward ? n : e) > 1500; // the ring road is faster
      const step = Math.sign(left) * Math.min(Math.abs(left), 30 * (wide ? 9 + random() * 7 : 4 + random() * 6));
      if (upward) n += step;
      else e += step;
      add(Math.abs(step / 30) * 3.6, upward ? (step > 0 ? 0 : 180) : step > 0 ? 90 : 270);
    }
    for (let m = 0; m < minutes * 2; m++) add(0, 0);
    if (i === 3) t += 25 * 60; // the phone was off
  }
  return fixes;
}
