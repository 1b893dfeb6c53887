import { describe, expect, it } from "vitest";
import { isIn, type Box, type LonLat } from "./geo";

describe("isIn", () => {
  const town: Box = [77, 12, 78, 13];
  const pacific: Box = [170, -20, 190, 0]; // across the antimeridian
  const behind: Box = [-190, -20, -170, 0]; // the same, come upon from the other side
  const world: Box = [-540, -85, 540, 85];
  it.each<[string, Box, LonLat, boolean]>([
    ["inside", town, [77.5, 12.5], true],
    ["on the edge", town, [78, 13], true],
    ["to the east", town, [78.1, 12.5], false],
    ["to the west", town, [76.9, 12.5], false],
    ["to the north", town, [77.5, 13.1], false],
    ["east of the antimeridian", pacific, [-175, -10], true],
    ["west of it", pacific, [175, -10], true],
    ["neither", pacific, [160, -10], false],
    ["east of it, from behind", behind, [-175, -10], true],
    ["west of it, from behind", behind, [175, -10], true],
    ["anywhere, when more than the world is seen", world, [-179, 80], true],
  ])("%s", (_, box, place, inside) => expect(isIn(box, place)).toBe(inside));
});
