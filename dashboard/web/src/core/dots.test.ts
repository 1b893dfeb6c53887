import { describe, expect, it } from "vitest";
import { Dots, KIND, lonLatOf, MANY_DIRTY, STRIDE, worldOf } from "./dots";
import { entryAt, type Entry } from "./list";
import { blank } from "./person";

const NOW = 10_000_000;
function entry(id: string, lon: number | null, lat = 10, ageS = 1, speed = 0): Entry {
  const at = NOW - ageS * 1000;
  return entryAt({
    ...blank(id, id),
    intervalS: 30,
    fix: lon === null ? null : {
      lat, lon, accuracyM: null, altitudeM: null, speedMps: speed, courseDeg: 90, batteryPct: null, charging: null,
      trigger: "", network: "", recordedAt: at, receivedAt: at, seq: 1, quality: "ok",
    },
  }, NOW);
}
const row = (dots: Dots, slot: number) => [...dots.data.subarray(slot * STRIDE, (slot + 1) * STRIDE)];

it("projects there and back", () => {
  for (const at of [[0, 0], [77.59, 12.97], [-179.9, -84], [179.9, 84]] as [number, number][]) {
    const [lon, lat] = lonLatOf(...worldOf(at));
    expect([lon, lat].map((v, i) => Math.abs(v - (at[i] ?? NaN)) < 1e-9)).toEqual([true, true]);
  }
  expect(worldOf([0, 0])).toEqual([0.5, 0.5]);
});

it("writes how each is, and nothing for who has no place or is drawn elsewhere", () => {
  const dots = new Dots();
  dots.set([entry("m", 1, 1, 1, 5), entry("i", 2), entry("l", 3, 3, 100), entry("o", 4, 4, 9999), entry("n", null), entry("c", 5)], "c");
  expect([0, 1, 2, 3, 4, 5].map((s) => row(dots, s)[2])).toEqual([KIND.heading, KIND.live, KIND.late, KIND.offline, KIND.none, KIND.none]);
  expect(row(dots, 0)[3]).toBe(90);
  expect(dots.placed).toBe(5);
});

it("tells who has moved, from where they were drawn, and sends only them", () => {
  const dots = new Dots();
  const [a, b] = [entry("a", 1), entry("b", 2)];
  expect(dots.set([a, b], null)).toEqual([]);
  expect(dots.takeDirty()).toBe("all");
  expect(dots.set([a, b], null)).toEqual([]);
  expect(dots.takeDirty()).toEqual([]);
  dots.place(1, 0.25, 0.25); // on the way
  dots.takeDirty();
  const moves = dots.set([a, entry("b", 3)], null);
  expect(moves.map((m) => [m.slot, m.from, m.to])).toEqual([[1, [0.25, 0.25], worldOf([3, 10])]]);
  expect(dots.takeDirty()).toEqual([1]);
});

it("keeps people where they are drawn when others come and go, and changes of a hidden table do not pile up", () => {
  const dots = new Dots();
  const [a, b, c] = [entry("a", 1), entry("b", 2), entry("c", 3)];
  dots.set([a, b], null);
  dots.place(1, 0.25, 0.5);
  expect(dots.set([c, b], null)).toEqual([]);
  expect(dots.shown(dots.slotOf("b"))).toEqual([0.25, 0.5]);
  expect(dots.slotOf("a")).toBe(-1);
  dots.takeDirty();
  for (let i = 0; i < MANY_DIRTY * 3; i++) dots.place(0, i, i);
  expect(dots.takeDirty()).toBe("all");
});

describe("hits", () => {
  const dots = new Dots();
  dots.set([entry("a", 10), entry("b", 10.001), entry("hidden", 10.0004)], "hidden");
  const near = (lon: number, radius: number) => dots.entry(dots.nearest(...worldOf([lon, 10]), radius / 360))?.person.id ?? null;
  it.each([[10, 0.001, "a"], [10.0009, 0.001, "b"], [10.0004, 0.001, "a"], [10.01, 0.001, null]])("at %d within %d: %s", (lon, r, want) => expect(near(lon, r)).toBe(want));
  it("finds who is in a box, up to a limit", () => {
    const [w, n] = worldOf([9, 11]);
    const [e, s] = worldOf([11, 9]);
    expect(dots.within(w, n, e, s, 10)).toEqual([0, 1]);
    expect(dots.within(w, n, e, s, 0)).toHaveLength(1);
  });
});

it("is good to a centimetre near the origin", () => {
  const dots = new Dots();
  dots.set([entry("a", 77.5946, 12.9716), entry("b", 77.5946001, 12.9716)], null);
  dots.setOrigin(...worldOf([77.6, 12.97]));
  const metres = ((row(dots, 1)[0] ?? 0) - (row(dots, 0)[0] ?? 0)) * 40_075_017;
  expect(metres).toBeCloseTo((0.0000001 / 360) * 40_075_017, 2);
});
