import { expect, it } from "vitest";
import { blank, type Person } from "./person";
import { groupBy, groupTop, inTeam, keyOf, rowTop, teamsOf, visible } from "./team";

const person = (id: string, team: string | null): Person => ({ ...blank(id, id), team });

it("lists teams by name with how many are in each, people without one last", () => {
  const people = [person("a", "Team 10"), person("b", ""), person("c", "Équipe"), person("d", "Team 9"), person("e", "Team 10"), person("f", null)];
  expect(teamsOf(people)).toEqual([
    { key: "équipe", name: "Équipe", people: 1 },
    { key: "team 9", name: "Team 9", people: 1 },
    { key: "team 10", name: "Team 10", people: 2 },
    { key: "", name: "", people: 2 },
  ]);
});

it("has nothing to list where nobody is in a team", () => {
  expect(teamsOf([])).toEqual([]);
  expect(teamsOf([person("a", ""), person("b", null)])).toEqual([]);
});

it("knows a team whatever the case, and who is in none", () => {
  expect(keyOf(person("a", " North"))).toBe("north");
  expect(["north", "", null].map((key) => inTeam(person("a", "NORTH"), key))).toEqual([true, false, true]);
  expect(["north", "", null].map((key) => inTeam(person("a", null), key))).toEqual([false, true, true]);
});

it("groups without changing the order within a team", () => {
  const team: Record<string, string> = { a: "x", b: "y", c: "", d: "x", e: "new" };
  const teams = ["x", "gone", "y", ""].map((key) => ({ key, name: key, people: 1 }));
  expect(groupBy(["d", "c", "b", "a", "e"], teams, (id) => team[id] ?? "")).toEqual({
    ids: ["d", "a", "b", "c", "e"],
    groups: [{ key: "x", from: 0, count: 2 }, { key: "y", from: 2, count: 1 }, { key: "", from: 3, count: 1 }, { key: "new", from: 4, count: 1 }],
  });
});

it("knows where rows and headings are, and which can be seen", () => {
  const sizes = { row: 10, head: 3 };
  const groups = [{ key: "x", from: 0, count: 2 }, { key: "y", from: 2, count: 30 }];
  expect([0, 1].map((i) => groupTop(groups, i, sizes))).toEqual([0, 23]);
  expect([0, 1, 2, 31].map((i) => rowTop(groups, i, sizes))).toEqual([3, 13, 26, 316]);
  expect(rowTop([], 7, sizes)).toBe(70);
  expect(visible(groups, 0, 20, sizes)).toEqual([{ index: 0, from: 0, to: 2 }]);
  expect(visible(groups, 14, 47, sizes)).toEqual([{ index: 0, from: 1, to: 2 }, { index: 1, from: 2, to: 5 }]);
  expect(visible(groups, 0, 24, sizes)).toEqual([{ index: 0, from: 0, to: 2 }, { index: 1, from: 2, to: 2 }]);
  expect(visible(groups, 316, 400, sizes)).toEqual([{ index: 1, from: 31, to: 32 }]);
});
