import { expect, it } from "vitest";
import { isZone, readStyle, usualStyle, zones } from "./style";

const usual = usualStyle(["de-DE"]);

it("expects what people are used to", () => {
  expect(["en-US", "en-GB", "en-IN", "de", "", "not a tag", "pt-BR"].map((l) => usualStyle([l]).units)).toEqual([
    "imperial", "imperial", "metric", "metric", "metric", "metric", "metric",
  ]);
  expect(usualStyle([])).toEqual({ units: "metric", clock: "language", zone: "" });
});

it("remembers what was chosen, and nothing that makes no sense", () => {
  const chosen = { units: "imperial", clock: "24", zone: "Asia/Kolkata" } as const;
  expect(readStyle(JSON.stringify(chosen), usual)).toEqual(chosen);
  for (const text of [null, "", "{", "null", "7", '"x"', '{"units":"furlongs","clock":25,"zone":"Mars/Base"}', '{"zone":7}']) {
    expect(readStyle(text, usual)).toEqual(usual);
  }
});

it("knows time zones", () => {
  expect(["", "UTC", "Europe/Berlin", "Nowhere/Else"].map(isZone)).toEqual([true, true, true, false]);
  expect(zones().slice(0, 2)).toEqual(["UTC", "Africa/Abidjan"]);
  expect(zones()).toContain("Asia/Kolkata");
  expect(zones()).not.toContain("Asia/Calcutta");
  expect(new Set(zones()).size).toBe(zones().length);
});
