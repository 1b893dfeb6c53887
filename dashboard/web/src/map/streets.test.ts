import { expect, it } from "vitest";
import { parseSetting } from "./streets";

it.each([
  ["", null],
  ["fallback", null],
  ["style:", null],
  ["pmtiles:streets.pmtiles", { kind: "pmtiles", url: "streets.pmtiles" }],
  ["style:https://tiles.example/liberty", { kind: "style", url: "https://tiles.example/liberty" }],
  [" raster:https://t.example/{z}/{x}/{y}.png ", { kind: "raster", url: "https://t.example/{z}/{x}/{y}.png" }],
])("%j", (text, want) => expect(parseSetting(text)).toEqual(want));
