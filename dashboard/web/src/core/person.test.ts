import { describe, expect, it } from "vitest";
import { blank, intervalOf, isMoving, newestSign, stateAt, type Fix, type Person } from "./person";

const T = Date.UTC(2026, 10, 23, 10);
const S = 1000;
const fix = (more: Partial<Fix> = {}): Fix => ({
  lat: 1, lon: 2, accuracyM: 5, altitudeM: null, speedMps: null, courseDeg: null, batteryPct: null, charging: null,
  trigger: "", network: "", recordedAt: T, receivedAt: T, seq: 1, quality: "ok", ...more,
});
const person = (more: Partial<Person> = {}): Person => ({ ...blank("e1", "Asha"), fix: fix(), ...more });

describe("stateAt follows track.Position.StateAt", () => {
  const cases: [string, Person, number, string][] = [
    ["never without a fix", { ...person(), fix: null }, 0, "never"],
    ["fresh", person({ intervalS: 30 }), 1, "live"],
    ["at twice the interval and transport", person({ intervalS: 30 }), 75, "live"],
    ["just after", person({ intervalS: 30 }), 75.001, "late"],
    ["at six intervals", person({ intervalS: 30 }), 180, "late"],
    ["after six intervals", person({ intervalS: 30 }), 180.001, "offline"],
    ["after six intervals, connected", person({ intervalS: 30, presence: "online" }), 90_000, "late"],
    ["after six intervals, gone", person({ intervalS: 30, presence: "offline" }), 181, "offline"],
    ["no interval yet: five minutes are assumed", person(), 615, "live"],
    ["no interval yet, later", person(), 616, "late"],
    ["no interval yet, much later", person(), 1801, "offline"],
    ["short intervals count as 15 s", person({ intervalS: 1 }), 45, "live"],
    ["short intervals count as 15 s, late", person({ intervalS: 1 }), 46, "late"],
    ["long intervals count as 30 min", person({ intervalS: 86_400 }), 3615, "live"],
    ["long intervals count as 30 min, late", person({ intervalS: 86_400 }), 3616, "late"],
    ["off shift stays", person({ offShift: true }), 5, "off_shift"],
    ["a moment before the server's now", person({ intervalS: 30 }), -10, "live"],
  ];
  it.each(cases)("%s", (_, p, ageS, want) => {
    expect(stateAt(p, T + ageS * S)).toBe(want);
  });
  it("lets no clock that is ahead keep a person live", () => {
    const ahead = person({ intervalS: 30, fix: fix({ recordedAt: T + 86_400 * S }) });
    expect(stateAt(ahead, T + 100 * S)).toBe("late");
    expect(newestSign(ahead.fix!)).toBe(T);
  });
});

it("clamps the interval", () => {
  expect([null, 0, 20, 1e9].map((intervalS) => intervalOf(person({ intervalS })))).toEqual([300, 15, 20, 1800]);
});

it("knows who moves only of those who are live", () => {
  const walking = person({ fix: fix({ speedMps: 1.2 }) });
  expect(isMoving(walking, "live")).toBe(true);
  expect(isMoving(walking, "late")).toBe(false);
  expect(isMoving(person({ fix: fix({ speedMps: 0.3 }) }), "live")).toBe(false);
  expect(isMoving(person(), "live")).toBe(false);
});
