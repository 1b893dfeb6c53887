import { describe, expect, it } from "vitest";
import { parseEmployees, parseFixes, parseFrame, parsePerson, parsePositions } from "./wire";
import { pack, unpack } from "./columns";

const position = {
  company: "acme", employee: "e17", name: "Asha Rao", lat: 12.97162, lon: 77.59456, accuracy_m: 8, altitude_m: 920, speed_mps: 4.2,
  course_deg: 120, battery_pct: 81, charging: false, trigger: "t", network: "mobile", recorded_at: "2026-11-23T10:00:00Z",
  received_at: "2026-11-23T10:00:01.123456789Z", seq: 9127, state: "live", interval_s: 30, quality: "ok", presence: "online",
  presence_since: "2026-11-23T09:00:00Z", changed: 9130,
};
const cols = ["employee", "name", "lat", "lon", "recorded_at", "received_at", "seq", "presence", "presence_since"];
const frame = (more: object = {}) => JSON.stringify({
  v: 1, company: "acme", prev: 9120, seq: 9127, at: "2026-11-23T10:00:02Z", cols,
  rows: [["e17", "Asha Rao", 12.9, 77.5, "2026-11-23T10:00:00Z", "2026-11-23T10:00:01Z", 9127, null, null]], ...more,
});

it("reads the position of the documentation", () => {
  expect(parsePerson(position)).toEqual({
    id: "e17", name: "Asha Rao", team: null, offShift: false, intervalS: 30, presence: "online", presenceSince: Date.UTC(2026, 10, 23, 9),
    fix: {
      lat: 12.97162, lon: 77.59456, accuracyM: 8, altitudeM: 920, speedMps: 4.2, courseDeg: 120, batteryPct: 81, charging: false,
      trigger: "t", network: "mobile", recordedAt: Date.UTC(2026, 10, 23, 10), receivedAt: Date.UTC(2026, 10, 23, 10, 0, 1, 123),
      seq: 9127, quality: "ok",
    },
  });
});

describe("what is malformed is left out, never thrown", () => {
  it.each([null, 5, "x", [], {}, { employee: "" }, { employee: 7 }])("a position: %j", (v) => expect(parsePerson(v)).toBeNull());
  it.each(["", "null", "[]", "{", '{"v":2}', frame({ v: 9 }), frame({ prev: -1 }), frame({ seq: "x" }), frame({ cols: null }), frame({ rows: {} }), frame({ company: 5 })])(
    "a frame: %s",
    (text) => expect(parseFrame(text)).toBeNull(),
  );
  it("counts rows that make no sense and keeps the others", () => {
    const f = parseFrame(frame({ rows: [5, [], ["e1"], [null, "x"]] }));
    expect(f).toMatchObject({ malformed: 3, people: [{ id: "e1", fix: null }] });
  });
  it.each([{ lat: 91 }, { lon: 181 }, { lat: "1" }, { lat: null }, { recorded_at: "yesterday" }])("a fix with %j is no fix", (more) => {
    expect(parsePerson({ ...position, ...more })?.fix).toBeNull();
  });
  it.each([null, {}, { positions: {} }, { positions: [], seq: -1 }])("positions: %j", (v) => expect(parsePositions(v, true)).toBeNull());
  it.each([null, {}, { employees: 1 }])("employees: %j", (v) => expect(parseEmployees(v)).toBeNull());
});

it("reads a frame, and a row of somebody of whom only the presence is known", () => {
  const row = ["e9", "Kofi", null, null, null, null, null, "offline", "2026-11-23T09:59:00Z"];
  const f = parseFrame(frame({ rows: [row] }));
  expect(f).toMatchObject({ prev: 9120, seq: 9127, malformed: 0, people: [{ id: "e9", fix: null, presence: "offline" }] });
});

it("believes the answer about being complete, else what was asked", () => {
  const body = { seq: 5, at: "2026-11-23T10:00:00Z", positions: [position, null] };
  expect(parsePositions(body, true)).toMatchObject({ complete: true, malformed: 1 });
  expect(parsePositions({ ...body, complete: true }, false)).toMatchObject({ complete: true, at: Date.UTC(2026, 10, 23, 10) });
  expect(parsePositions({ ...body, complete: false }, false)).toMatchObject({ complete: false, seq: 5 });
});

it("reads employees", () => {
  const list = parseEmployees({ employees: [{ id: "e1", name: "A", team: "North", presence: "online", presence_since: "2026-11-23T09:00:00Z" }, { id: "" }, 4, { id: "e2" }] });
  expect(list).toEqual([
    { id: "e1", name: "A", team: "North", presence: "online", presenceSince: Date.UTC(2026, 10, 23, 9) },
    { id: "e2", name: "", team: "", presence: null, presenceSince: null },
  ]);
});

it("packs people into columns and back", () => {
  const people = [position, { employee: "n1", name: "Nina", team: "North" }, { ...position, charging: true, accuracy_m: null, presence: "offline", state: "off_shift" }, { employee: "x", lat: 0, lon: 0, recorded_at: "1970-01-01T00:00:00Z" }]
    .map(parsePerson)
    .filter((p) => p !== null);
  expect(unpack(structuredClone(pack(people)))).toEqual(people);
  expect(unpack(pack([]))).toEqual([]);
});

it("reads fixes, and leaves out what is none", () => {
  const { lat, lon, recorded_at } = position;
  expect(parseFixes({ fixes: [{ lat, lon, recorded_at }, { lat: 91, lon, recorded_at }, null, 4, { lat, lon }], next: "" })).toMatchObject([
    { lat, lon, recordedAt: Date.parse(recorded_at), quality: "ok", speedMps: null },
  ]);
  for (const none of [null, 7, {}, { fixes: {} }]) expect(parseFixes(none)).toBeNull();
});
