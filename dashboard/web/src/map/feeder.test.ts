import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Feeder } from "./feeder";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

const data = (n: number) => ({ type: "Point" as const, coordinates: [n, 0] });
const first = (d: unknown) => (d as { coordinates: number[] }).coordinates[0];

it("sends the newest, one at a time, not more often than the interval", async () => {
  const sent: number[] = [];
  let finish = () => {};
  const feeder = new Feeder((d) => {
    sent.push(first(d) ?? NaN);
    return new Promise((resolve) => (finish = resolve));
  }, 1000);
  for (let i = 1; i <= 3; i++) feeder.feed(() => data(i));
  await vi.advanceTimersByTimeAsync(1000);
  expect(sent).toEqual([3]);
  for (let i = 4; i <= 6; i++) feeder.feed(() => data(i), true);
  await vi.advanceTimersByTimeAsync(5000);
  expect(sent).toEqual([3]); // the first is still under way
  finish();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual([3, 6]);
  finish();
  feeder.feed(() => data(7));
  await vi.advanceTimersByTimeAsync(900);
  expect(sent).toEqual([3, 6]);
  await vi.advanceTimersByTimeAsync(100);
  expect(sent).toEqual([3, 6, 7]);
});

it("goes on after a failed update, and stops when told", async () => {
  let calls = 0;
  const feeder = new Feeder(() => {
    calls++;
    return Promise.reject(new Error("gone"));
  }, 10);
  feeder.feed(() => data(1));
  await vi.advanceTimersByTimeAsync(2000);
  feeder.feed(() => data(2));
  await vi.advanceTimersByTimeAsync(2000);
  expect(calls).toBe(2);
  feeder.feed(() => data(3));
  feeder.stop();
  await vi.advanceTimersByTimeAsync(2000);
  expect(calls).toBe(2);
});
