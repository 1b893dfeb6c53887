import { describe, expect, it } from "vitest";
import { count, entriesAt, entryAt, fold, matches, nameRanks, queryWords, sort, type Entry } from "./list";
import { blank, type Person } from "./person";

const NOW = 10_000_000;
const person = (id: string, name: string, ageS: number | null, speed = 0): Person => ({
  ...blank(id, name),
  intervalS: 30,
  fix: ageS === null ? null : {
    lat: 0, lon: 0, accuracyM: null, altitudeM: null, speedMps: speed, courseDeg: 0, batteryPct: null, charging: null,
    trigger: "", network: "", recordedAt: NOW - ageS * 1000, receivedAt: NOW - ageS * 1000, seq: 1, quality: "ok",
  },
});
const people = [person("n", "Nina", null), person("o", "Omar", 9999), person("a", "Zoë", 5), person("m", "Mei", 3, 4), person("l", "Luca", 100)];
const entries = people.map((p) => entryAt(p, NOW));
const ids = (list: Entry[]) => list.map((e) => e.person.id).join("");

it("counts states; all is the sum", () => {
  expect(count(entries)).toEqual({ all: 5, moving: 1, idle: 1, late: 1, offline: 1, never: 1 });
});

it("keeps entries of whom nothing has changed, and makes new ones of who moved or got old", () => {
  const known = new Map(people.map((p) => [p.id, p]));
  const before = entriesAt(known, NOW, new Map());
  expect([...before.values()]).toEqual(entries);
  known.set("m", person("m", "Mei", 0, 5));
  const after = entriesAt(known, NOW + 81_000, before);
  expect([...after].filter(([id, e]) => before.get(id) !== e).map(([id]) => id)).toEqual(["a", "m", "l"]);
});

it("sorts by urgency, name, newest", () => {
  const ranks = nameRanks(people);
  const by = (order: "urgency" | "name" | "newest") => ids(sort([...entries], order, (id) => ranks.get(id) ?? 0));
  expect(by("urgency")).toBe("lmaon");
  expect(by("name")).toBe("lmnoa");
  expect(by("newest")).toBe("malon");
});

it("orders names as people do: numbers by value, accents beside their letters, ids for who has no name", () => {
  const ranks = nameRanks(["Driver 10", "Driver 9", "Émile", "Eve", ""].map((n, i) => person(`id${i}`, n, null)));
  expect([...ranks.keys()]).toEqual(["id1", "id0", "id2", "id3", "id4"]);
});

describe("search", () => {
  const found = (name: string, query: string) => matches(entryAt(person("e17", name, 1), NOW), `${fold(name)} e17`, "all", queryWords(query));
  it.each([
    ["José García", "jose", true], ["José García", "GARCIA jo", true], ["Łukasz", "lukasz", true], ["Björn", "bjorn", true],
    ["Weiß", "weiss", true], ["Søren", "soren", true], ["Asha", "e17", true], ["Asha", "  ", true], ["Asha", "luca", false], ["José", "José", true],
  ])("%s, %s: %s", (name, query, want) => expect(found(name, query)).toBe(want));
  it("joins with the filter", () => {
    const live = entryAt(person("a", "Asha", 1), NOW);
    expect(matches(live, "asha a", "late", ["asha"])).toBe(false);
    expect(matches(live, "asha a", "idle", ["asha"])).toBe(true);
  });
  it("tells who moves from who is idle", () => {
    const moving = entryAt(person("a", "Asha", 1, 3), NOW);
    expect([matches(moving, "a", "moving", []), matches(moving, "a", "idle", []), matches(moving, "a", "all", [])]).toEqual([true, false, true]);
  });
  it("files off shift under offline", () => {
    expect(matches(entryAt({ ...person("a", "A", 1), offShift: true }, NOW), "a", "offline", [])).toBe(true);
  });
});

it("scans and sorts 10,000 people in well under a frame or two", () => {
  const many = Array.from({ length: 10_000 }, (_, i) => person(`e${i}`, `Person ${i % 977}`, i % 400, i % 5));
  const ranks = nameRanks(many);
  const started = performance.now();
  const list = many.map((p) => entryAt(p, NOW)).filter((e) => matches(e, "person e", "moving", ["person"]));
  sort(list, "urgency", (id) => ranks.get(id) ?? 0);
  expect(performance.now() - started).toBeLessThan(500); // a generous bound for a loaded machine; 10 ms as a rule
});
