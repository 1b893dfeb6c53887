import { describe, expect, test } from "vitest";
import { addDays, dateText, daysBetween, formatPeriod, parsePeriod, shift, withFrom, withTo } from "./period";

describe("a period", () => {
  test.each([
    ["2026-11-23", { from: "2026-11-23", to: "2026-11-23" }],
    ["2026-11-17..2026-11-23", { from: "2026-11-17", to: "2026-11-23" }],
    ["2026-11-16..2026-11-23", null], // eight days
    ["2026-11-23..2026-11-22", null],
    ["2026-02-30", null],
    ["yesterday", null],
    ["", null],
    [null, null],
  ])("reads %s", (text, want) => {
    expect(parsePeriod(text)).toEqual(want);
    if (want) expect(formatPeriod(want)).toBe(text);
  });

  test("moves by its own length, and never beyond today", () => {
    expect(shift({ from: "2026-11-20", to: "2026-11-20" }, -1, "2026-11-24")).toEqual({ from: "2026-11-19", to: "2026-11-19" });
    expect(shift({ from: "2026-11-17", to: "2026-11-19" }, 1, "2026-11-24")).toEqual({ from: "2026-11-20", to: "2026-11-22" });
    expect(shift({ from: "2026-11-21", to: "2026-11-23" }, 1, "2026-11-24")).toEqual({ from: "2026-11-22", to: "2026-11-24" });
  });

  test("keeps to what the server derives at a time", () => {
    const period = { from: "2026-11-20", to: "2026-11-22" };
    expect(withFrom(period, "2026-11-01")).toEqual({ from: "2026-11-01", to: "2026-11-07" });
    expect(withFrom(period, "2026-11-24")).toEqual({ from: "2026-11-24", to: "2026-11-24" });
    expect(withTo(period, "2026-11-30")).toEqual({ from: "2026-11-24", to: "2026-11-30" });
    expect(withTo(period, "2026-11-19")).toEqual({ from: "2026-11-19", to: "2026-11-19" });
  });

  test("counts days where clocks change", () => {
    expect(addDays("2026-03-28", 1)).toBe("2026-03-29");
    expect(addDays("2026-03-29", 1)).toBe("2026-03-30");
    expect(daysBetween("2026-10-24", "2026-10-26")).toBe(2);
  });

  test("has words for the nearest days", () => {
    expect(dateText("2026-11-24", "2026-11-24")).toMatch(/^Today, /);
    expect(dateText("2026-11-23", "2026-11-24")).toMatch(/^Yesterday, /);
    expect(dateText("2025-11-23", "2026-11-24")).toContain("2025");
  });
});
