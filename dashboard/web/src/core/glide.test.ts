import { expect, it } from "vitest";
import { glideMs, Glides } from "./glide";

it.each([
  ["a step of a walker with a fix a second", 1.5, 1_000, 1_000],
  ["not longer than two seconds", 200, 30_000, 2_000],
  ["a long step is a jump", 501, 30_000, 0],
  ["so is one without time between", 5, 0, 0],
  ["and one back in time", 5, -1_000, 0],
  ["or of unknown time", 5, NaN, 0],
])("%s", (_, step, interval, want) => expect(glideMs(step, interval)).toBe(want));

it("is on the straight way all the time, never beyond, and ends at the fix exactly", () => {
  const glides = new Glides();
  const seen: [number, number][] = [];
  const place = (slot: number, x: number, y: number) => void (slot === 7 && seen.push([x, y]));
  glides.start(7, [0.1, 0.2], [0.3, 0.6], 1_000, 2_000);
  for (const now of [900, 1_000, 2_000, 2_999, 3_500, 4_000]) glides.step(now, place);
  expect(seen).toHaveLength(5); // nothing more after the end
  expect(seen[0]).toEqual([0.1, 0.2]);
  expect(seen[2]?.map((v) => Number(v.toFixed(6)))).toEqual([0.2, 0.4]);
  expect(seen.at(-1)).toEqual([0.3, 0.6]);
  expect(glides.size).toBe(0);
});

it("can be ended before: one, or all where they were going", () => {
  const glides = new Glides();
  const at = new Map<number, number>();
  for (const slot of [1, 2, 3]) glides.start(slot, [0, 0], [slot, slot], 0, 1_000);
  glides.end(2);
  glides.finish((slot, x) => at.set(slot, x));
  expect([...at]).toEqual([[1, 1], [3, 3]]);
  expect(glides.size).toBe(0);
});
