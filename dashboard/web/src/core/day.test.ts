import { expect, it } from "vitest";
import { dateIn, dayText, missingText, parseDays, type Day } from "./day";

const day: Day = { date: "2026-11-23", from: Date.UTC(2026, 10, 23), to: Date.UTC(2026, 10, 24), fixes: 900, distanceM: 11_400, movingS: 7_800, trips: 5, stops: 6, gaps: 0, gapsS: 0 };

it("reads days, and leaves out what is none", () => {
  const ends = { from: "2026-11-23T00:00:00Z", to: "2026-11-24T00:00:00Z" };
  const body = {
    tz: "UTC",
    days: [
      { date: "2026-11-23", ...ends, fixes: 900, distance_m: 11400, moving_s: 7800, stopped_s: 1, trips: 5, stops: 6, gaps: 0, gaps_s: 0 },
      { date: "yesterday", fixes: 1 }, null, 7, { date: "2026-11-21", fixes: 1 }, { date: "2026-11-22", ...ends, fixes: "many", distance_m: -1, gaps: NaN },
    ],
  };
  expect(parseDays(body)).toEqual([day, { ...day, date: "2026-11-22", fixes: 0, distanceM: 0, movingS: 0, trips: 0, stops: 0 }]);
  for (const none of [null, undefined, 7, "x", {}, { days: null }, { days: {} }]) expect(parseDays(none)).toBeNull();
});

it("says which day it is where somebody is", () => {
  const at = Date.UTC(2026, 10, 23, 21, 0);
  expect(["UTC", "Asia/Kolkata", "America/Los_Angeles"].map((z) => dateIn(z, at))).toEqual(["2026-11-23", "2026-11-24", "2026-11-23"]);
  expect(dateIn("", at)).toMatch(/^2026-11-2[34]$/);
});

it("puts a day in a line", () => {
  expect(dayText(day)).toBe("11 km · 6 stops · 2 h 10 min moving");
  expect(dayText({ ...day, distanceM: 420, stops: 1, movingS: 59 })).toBe("420 m · 1 stop");
  expect(dayText({ ...day, fixes: 0 })).toBe("Nothing recorded");
  expect(missingText(day)).toBe("");
  expect(missingText({ ...day, gaps: 1, gapsS: 1320 })).toBe("1 gap of 22 min in all, not counted");
  expect(missingText({ ...day, gaps: 3, gapsS: 90_000 })).toBe("3 gaps of 25 h in all, not counted");
});
