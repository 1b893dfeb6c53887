import { describe, expect, test } from "vitest";
import { advance, skips, SKIP_MS } from "./replay";
import { extent, legAt, momentAt, nearest, parseTrack, placesOf, runs, speedStep, type Track } from "./track";

const T0 = Date.parse("2026-11-23T08:00:00Z");
const at = (minutes: number): string => new Date(T0 + minutes * 60_000).toISOString();
const ms = (minutes: number): number => T0 + minutes * 60_000;

const body = {
  fixes: 40, ignored: 1, distance_m: 2224, moving_s: 1200, stopped_s: 600, simplified_m: 0,
  legs: [
    {
      kind: "trip", from: at(0), to: at(20), duration_s: 1200, distance_m: 2224,
      points: [
        { recorded_at: at(0), lat: 10, lon: 20, speed_mps: 1 },
        { recorded_at: at(10), lat: 10.01, lon: 20, speed_mps: 10 },
        { recorded_at: at(20), lat: 10.01, lon: 20.01, speed_mps: 30 },
      ],
    },
    { kind: "stop", from: at(20), to: at(30), duration_s: 600, distance_m: 0, lat: 10.01, lon: 20.01, silent_s: 120 },
    { kind: "gap", from: at(30), to: at(90), duration_s: 3600, distance_m: 900, points: [{ recorded_at: at(30), lat: 10.01, lon: 20.01 }, { recorded_at: at(90), lat: 10.02, lon: 20.02 }] },
    { kind: "trip", from: at(90), to: at(100), duration_s: 600, distance_m: 10, points: [{ recorded_at: at(90), lat: 10.02, lon: 20.02 }, { recorded_at: at(100), lat: 10.03, lon: 20.02 }] },
  ],
};
const track = parseTrack(body) as Track;

describe("a track", () => {
  test("is read; what makes no sense is left out", () => {
    expect(track.legs.map((l) => l.kind)).toEqual(["trip", "stop", "gap", "trip"]);
    expect(track.legs[1]).toMatchObject({ at: [20.01, 10.01], silentS: 120, durationS: 600 });
    expect(extent(track)).toEqual({ from: ms(0), to: ms(100) });
    expect(placesOf(track.legs)).toHaveLength(8);
    const odd = [null, { kind: "dance" }, { kind: "stop", from: at(0), to: at(1) }, { kind: "trip", from: at(1), to: at(0), points: [] }, { kind: "trip", from: "x", to: at(1) }];
    expect(parseTrack({ legs: odd })?.legs).toEqual([]);
    for (const v of [null, 3, {}, { legs: 1 }]) expect(parseTrack(v)).toBeNull();
  });

  test.each([
    [-5, 0, [20, 10], 0],
    [0, 0, [20, 10], 0],
    [5, 0, [20, 10.005], 0],
    [15, 0, [20.005, 10.01], 90],
    [25, 1, [20.01, 10.01], null],
    [60, 2, [20.01, 10.01], null],
    [95, 3, [20.02, 10.025], 0],
    [500, 3, [20.02, 10.03], 0],
  ])("at minute %d is in leg %d", (minute, leg, place, course) => {
    const moment = momentAt(track, ms(minute));
    expect(legAt(track, ms(minute))).toBe(leg);
    expect(moment?.leg).toBe(leg);
    expect(moment?.at[0]).toBeCloseTo(place[0] as number, 6);
    expect(moment?.at[1]).toBeCloseTo(place[1] as number, 6);
    if (course === null) expect(moment?.courseDeg).toBeNull();
    else expect(moment?.courseDeg).toBeCloseTo(course, 3);
  });

  test("has nothing to say when it is empty", () => {
    const empty = parseTrack({ legs: [] }) as Track;
    expect(momentAt(empty, T0)).toBeNull();
    expect(extent(empty)).toBeNull();
    expect(nearest(empty, [0, 0])).toBeNull();
    expect(advance(empty, 5, 1000, 1)).toBe(5);
  });

  test("has colours by speed, and lines that touch", () => {
    expect([null, 0, 1.6, 1.7, 10, 20, 40].map(speedStep)).toEqual([0, 0, 0, 1, 2, 3, 4]);
    const lines = runs(track.legs[0] as Track["legs"][number]);
    expect(lines.map((r) => r.step)).toEqual([2, 4]);
    expect(lines[0]?.line.at(-1)).toEqual(lines[1]?.line[0]);
  });

  test("tells when somebody was near a place", () => {
    const point = nearest(track, [20.0001, 10.005]);
    expect(point?.time).toBeCloseTo(ms(5), -3);
    expect(point?.at[0]).toBeCloseTo(20, 6);
  });
});

describe("the replay", () => {
  test("runs as fast as was chosen on trips", () => {
    expect(advance(track, ms(1), 1000, 60)).toBe(ms(2));
    expect(advance(track, ms(1), 1000, 1)).toBe(ms(1) + 1000);
  });

  test("passes what nothing is to be seen of quickly, whatever its length", () => {
    expect(advance(track, ms(30), SKIP_MS, 1)).toBe(ms(90));
    expect(advance(track, ms(20), 2 * SKIP_MS, 1)).toBe(ms(30));
    expect(skips(track, ms(60), 60)).toBe(true);
    expect(skips(track, ms(25), 1)).toBe(true);
    expect(skips(track, ms(5), 1)).toBe(false);
  });

  test("crosses legs within a step, and stops at the end", () => {
    expect(advance(track, ms(19), 1000 + 2 * SKIP_MS + SKIP_MS + 1000, 60)).toBe(ms(91));
    expect(advance(track, ms(99), 60_000, 60)).toBe(ms(100));
    expect(advance(track, ms(100), 60_000, 60)).toBe(ms(100));
    expect(advance(track, ms(-10), 0, 60)).toBe(ms(0));
  });
});
