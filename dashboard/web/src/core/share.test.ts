import { describe, expect, it } from "vitest";
import { parseShared, parseShares, secondsOf, secondsToMidnight, sharedEntry, sharedWords } from "./share";

const answer = {
  name: "Asha", state: "live", lat: 12.97, lon: 77.59, accuracy_m: 8, seen_at: "2026-11-23T10:00:00Z", at: "2026-11-23T10:00:04Z",
  expires_at: "2026-11-23T11:00:00Z", seq: 9127,
};
const NOW = Date.parse(answer.at);
const parsed = (more: object = {}) => parseShared({ ...answer, ...more })!;

it("reads the answer", () => {
  expect(parsed()).toEqual({
    name: "Asha", state: "live", place: { lat: 12.97, lon: 77.59, accuracyM: 8, seenAt: NOW - 4000 }, at: NOW, expiresAt: NOW + 3_596_000, seq: 9127,
  });
  expect(parsed({ lat: 91 }).place).toBeNull();
  expect(parsed({ seen_at: undefined }).place).toBeNull();
});

it.each([null, 5, [], {}, { ...answer, state: "boss" }, { ...answer, at: "now" }, { ...answer, expires_at: 5 }, { ...answer, seq: -1 }])("no answer: %j", (v) => expect(parseShared(v)).toBeNull());

it("reads links, and leaves out what is none", () => {
  expect(parseShares({ shares: [{ id: "a", note: "n", created_by: "b", expires_at: answer.at }, { id: 5 }, null, { id: "c", expires_at: "x" }] })).toEqual([
    { id: "a", note: "n", createdBy: "b", expiresAt: NOW },
  ]);
  expect(parseShares({})).toBeNull();
});

describe("words", () => {
  it.each([
    [{}, "Live", "Seen 4 s ago, to within 8 m"],
    [{ accuracy_m: undefined }, "Live", "Seen 4 s ago"],
    [{ state: "late", seen_at: "2026-11-23T09:57:00Z" }, "Last seen 3 min ago", "Then to within 8 m"],
    [{ state: "offline", seen_at: "2026-11-23T08:00:00Z", accuracy_m: null }, "Last seen 2 h ago", ""],
    [{ state: "never", lat: undefined }, "No position yet", "It is shown here as soon as there is one."],
    [{ state: "off_shift" }, "Off duty", "The position is not shown outside working hours."],
  ])("%j: %s", (more, title, detail) => expect(sharedWords(parsed(more), NOW)).toEqual({ title, detail }));
});

it("draws who has a place", () => {
  expect(sharedEntry(parsed())).toMatchObject({ person: { name: "Asha", fix: { lat: 12.97, accuracyM: 8 } }, state: "live", moving: false });
  expect(sharedEntry(parsed({ lat: undefined }))).toBeNull();
});

describe("until midnight", () => {
  it.each([
    ["2026-11-23T10:00:00Z", "UTC", 14 * 3600],
    ["2026-11-23T18:29:30Z", "Asia/Kolkata", 30],
    ["2026-11-23T18:30:00Z", "Asia/Kolkata", 86_400],
    ["2026-10-25T00:00:00Z", "Europe/Berlin", 23 * 3600], // 02:00 of a day with 25 hours
    ["2026-03-29T00:00:00Z", "Europe/Berlin", 22 * 3600], // 01:00 of a day with 23
  ])("%s in %s", (at, zone, want) => expect(secondsToMidnight(Date.parse(at), zone)).toBe(want));
  it("a link lasts a minute at least and a day at most", () => {
    expect(secondsOf("day", Date.parse("2026-11-23T23:59:50Z"), "UTC")).toBe(60);
    expect(secondsOf("day", Date.parse("2026-10-24T22:00:00Z"), "Europe/Berlin")).toBe(86_400);
    expect((["15m", "1h", "4h"] as const).map((l) => secondsOf(l, NOW, ""))).toEqual([900, 3600, 14_400]);
  });
});
