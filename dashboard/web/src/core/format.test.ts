import { describe, expect, it } from "vitest";
import { age, clockTime, coordinates, distance, duration, height, qualityWords, speed, wind, windWord, write } from "./format";
import { bounds, circle, distanceM, graticule, graticuleStep } from "./geo";
import { extend, precede, stretches, Trails, type TrailPoint } from "./trail";
import { formatView, parseView } from "./view";
import { blank, type Fix } from "./person";

it.each([[-5000, "0 s"], [0, "0 s"], [59_999, "59 s"], [60_000, "1 min"], [3_599_000, "59 min"], [3_600_000, "1 h"], [86_400_000 * 3, "3 d"]])(
  "age of %d ms is %s",
  (ms, want) => expect(age(ms)).toBe(want),
);

it("writes speeds, winds, lengths, places", () => {
  expect([0, 1.2, 2.77, 13.9].map(speed)).toEqual(["0.0 km/h", "4.3 km/h", "10 km/h", "50 km/h"]);
  expect([0, 44, 359, 720, -90].map(wind)).toEqual(["N", "NE", "N", "N", "W"]);
  expect(windWord(200)).toBe("south");
  expect([8.4, 999, 1500, 25_000].map(distance)).toEqual(["8 m", "999 m", "1.5 km", "25 km"]);
  expect(coordinates(-12.3456789, 7)).toBe("-12.34568, 7.00000");
});

it("writes as people have chosen", () => {
  const at = Date.UTC(2026, 10, 23, 21, 4, 5);
  try {
    write({ units: "imperial", clock: "24", zone: "Asia/Kolkata" });
    expect([0, 1.2, 13.9].map(speed)).toEqual(["0.0 mph", "2.7 mph", "31 mph"]);
    expect([8.4, 300, 1609.344, 25_000].map(distance)).toEqual(["28 ft", "984 ft", "1.0 mi", "16 mi"]);
    expect(height(920)).toBe("3018 ft");
    expect(clockTime(at, at)).toMatch(/02:34:05.*5:30/); // and says which zone that is
    expect(clockTime(at, at - 5 * 3_600_000)).toMatch(/24/); // midnight has passed there, not here
    write({ units: "metric", clock: "12", zone: "UTC" });
    expect(clockTime(at, at)).toMatch(/9:04:05.PM/);
    expect(height(920)).toBe("920 m");
  } finally {
    write({ units: "metric", clock: "language", zone: "" });
  }
});

it.each([[0, "0 min"], [29, "0 min"], [90, "2 min"], [3600, "1 h"], [7800, "2 h 10 min"], [90_000, "25 h"]])("%d s last %s", (s, want) =>
  expect(duration(s)).toBe(want),
);

it("puts quality in words", () => {
  expect(qualityWords("ok")).toEqual([]);
  expect(qualityWords("")).toEqual([]);
  expect(qualityWords("future,odd")).toEqual(["The phone’s clock is ahead of the server’s.", "Marked “odd”."]);
});

describe("geometry", () => {
  it("measures and draws circles of the right size", () => {
    for (const at of [[77.6, 12.97], [0, 70], [179.9, -45]] as const) {
      const ring = circle([...at], 500);
      expect(ring[0]).toEqual(ring.at(-1));
      for (const p of ring) expect(distanceM([...at], p)).toBeCloseTo(500, 3);
    }
  });
  it("bounds places", () => {
    expect(bounds([])).toBeNull();
    expect(bounds([[1, 2], [-3, 4]])).toEqual([-3, 2, 1, 4]);
  });
  it("chooses a grid that is neither dense nor empty, at every zoom", () => {
    for (let zoom = 0; zoom <= 19; zoom += 0.5) {
      const px = (graticuleStep(zoom) / 360) * 512 * 2 ** zoom;
      if (zoom > 2) expect(px).toBeGreaterThanOrEqual(130);
      if (zoom > 2 && zoom < 18) expect(px).toBeLessThan(340);
    }
  });
  it("labels the grid", () => {
    const lines = graticule([179, -1, 181, 1], 1);
    expect(lines.map((l) => l.label)).toEqual(["179° E", "180° W", "179° W", "1° S", "0° N", "1° N"]);
    expect(graticule([0.004, 0, 0.011, 0.001], 0.005).map((l) => l.label)).toEqual(["0.005° E", "0.010° E", "0.000° N"]);
  });
});

describe("trails", () => {
  const fix = (s: number, lon = 0): Fix => ({ recordedAt: s * 1000, lat: 0, lon }) as Fix;
  const trail = (...fixes: Fix[]) => fixes.reduce<readonly TrailPoint[]>(extend, []);
  it("keeps fixes in the order of recording, each once, for 15 minutes", () => {
    expect(trail(fix(10), fix(20), fix(20), fix(5)).map((p) => p.time)).toEqual([10_000, 20_000]);
    expect(trail(fix(0), fix(500), fix(901)).map((p) => p.time)).toEqual([500_000, 901_000]);
  });
  it("cuts at gaps in time and space", () => {
    const parts = stretches(trail(fix(0), fix(10, 0.001), fix(400, 0.002), fix(410, 0.003), fix(420, 0.5)));
    expect(parts.map((p) => [p.gap, p.line.length])).toEqual([[false, 2], [true, 2], [false, 2], [true, 2]]);
    expect(stretches([])).toEqual([]);
    expect(stretches(trail(fix(1)))).toEqual([]);
  });
  it("takes what was before, in order, once, and without what is doubtful", () => {
    const known = trail(fix(800), fix(900));
    const old = [fix(500), { ...fix(300), quality: "ok" }, { ...fix(700), quality: "jump" }, { ...fix(600), quality: "ok" }, { ...fix(800), quality: "ok" }, { ...fix(-50), quality: "ok" }];
    expect(precede(known, old as Fix[]).map((p) => p.time / 1000)).toEqual([300, 600, 800, 900]);
    expect(precede([], [{ ...fix(20), quality: "ok" }, { ...fix(10), quality: "ok" }] as Fix[]).map((p) => p.time / 1000)).toEqual([10, 20]);
    expect(precede(known, [])).toEqual(known);
    expect(precede([], [])).toEqual([]);
  });
  it("remembers everybody", () => {
    const trails = new Trails();
    trails.see(blank("n", "Nina"), true);
    trails.see({ ...blank("a", "A"), fix: fix(1) }, true);
    expect([trails.of("n").length, trails.of("a").length]).toEqual([0, 1]);
    trails.see({ ...blank("a", "A"), fix: fix(2) }, false); // not followed any more: nothing is kept
    expect(trails.of("a")).toEqual([]);
  });
});

describe("the address", () => {
  it("goes there and back", () => {
    const view = { selected: "e 17/ü", filter: "late" as const, team: "equipe été", query: "jo sé", camera: { lat: 12.97162, lon: -77.5, zoom: 13.5 }, history: { from: "2026-11-17", to: "2026-11-23" } };
    expect(parseView(formatView(view))).toEqual(view);
    expect(formatView(view)).toContain("at=12.97162,-77.50000,13.50");
    expect(formatView(view)).toContain("h=2026-11-17..2026-11-23");
  });
  it("says nothing when there is nothing to say", () => {
    const nothing = { selected: null, filter: "all" as const, team: null, query: "", camera: null, history: null };
    expect(formatView(nothing)).toBe("");
    expect(parseView("")).toEqual(nothing);
  });
  it("tells people without a team from everybody, and knows a team in any case", () => {
    expect(parseView("?team=").team).toBe("");
    expect(formatView(parseView("?team="))).toBe("?team=");
    expect(parseView("?team=NORTH").team).toBe("north");
  });
  it.each(["?at=1,2", "?at=a,b,c", "?at=95,0,3", "?at=1,2,99", "?at=,,", "?f=bogus&p=", "?h=2026-02-30"])("leaves out nonsense: %s", (search) => {
    expect(parseView(search)).toEqual({ selected: null, filter: "all", team: null, query: "", camera: null, history: null });
  });
});
