import { describe, expect, it } from "vitest";
import { apart, CROWDED_PX, APART_PX, FEW, MANY, nextDrawing } from "./mode";

describe("clusters or dots", () => {
  it.each([
    ["few people, crowded", "clusters", 100, true, null, "clusters"],
    ["too many", "clusters", MANY + 1, true, null, "dots"],
    ["exactly as many as clusters take", "clusters", MANY, true, null, "clusters"],
    ["a few less again change nothing", "many", FEW + 1, true, null, "dots"],
    ["much less does", "many", FEW, true, null, "clusters"],
    ["nobody was in view, now nearly too many are", "dots", MANY, true, null, "clusters"],
    ["where nothing is clustered anyway", "clusters", 100, false, null, "dots"],
    ["nobody in view", "clusters", 100, true, [], "dots"],
    ["apart from each other", "clusters", 2, true, [[0, 0], [APART_PX, 0]], "dots"],
    ["close", "clusters", 2, true, [[0, 0], [APART_PX - 1, 0]], "clusters"],
    ["close is not close enough to give up dots", "dots", 2, true, [[0, 0], [CROWDED_PX, 0]], "dots"],
    ["crowded", "dots", 2, true, [[0, 0], [CROWDED_PX - 1, 0]], "clusters"],
  ] as const)("%s", (_, was, people, clustered, pixels, want) => {
    const now = { mode: was === "many" ? ("dots" as const) : was, many: was === "many" };
    expect(nextDrawing(now, people, clustered, pixels).mode).toBe(want);
  });
  it("remembers whether it was the number", () => {
    expect(nextDrawing({ mode: "clusters", many: false }, MANY + 1, true, null)).toEqual({ mode: "dots", many: true });
    expect(nextDrawing({ mode: "dots", many: true }, FEW, false, null)).toEqual({ mode: "dots", many: false });
  });
});

it("sees neighbours across the borders of its cells, also below zero", () => {
  expect(apart([[-1, -1], [1, 1]], 50)).toBe(false);
  expect(apart([[49, 10], [51, 10]], 50)).toBe(false);
  expect(apart([[0, 0], [0, 50], [50, 0], [-50, -50]], 50)).toBe(true);
});
