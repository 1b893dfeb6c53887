import { describe, expect, it } from "vitest";
import { Backoff } from "./backoff";
import { ServerClock } from "./clock";
import { needsBanner, next, type Connection, type ConnectionEvent } from "./connection";

const connecting: Connection = { name: "connecting", since: 0 };
const live: Connection = { name: "live", since: 5 };
const lost = (at: number, retryAt = at + 1000): ConnectionEvent => ({ type: "lost", at, retryAt, reason: "gone" });
const at = (type: Exclude<ConnectionEvent["type"], "lost">, time: number): ConnectionEvent => ({ type, at: time }) as ConnectionEvent;
const run = (from: Connection, ...events: ConnectionEvent[]) => events.reduce(next, from);

describe("connection", () => {
  it("goes live, is lost, tries, and is live again", () => {
    expect(run(connecting, at("trying", 1), at("synced", 2))).toEqual({ name: "live", since: 2 });
    expect(run(live, lost(10))).toEqual({ name: "reconnecting", since: 10, attempt: 1, retryAt: 1010, reason: "gone" });
    expect(run(live, lost(10), at("trying", 11), lost(20))).toMatchObject({ since: 10, attempt: 2, retryAt: 1020 });
    expect(run(live, lost(10), at("trying", 11))).toMatchObject({ name: "reconnecting", retryAt: null });
    expect(run(live, lost(10), at("synced", 30))).toEqual({ name: "live", since: 30 });
  });
  it("counts from the moment that positions may be old", () => {
    expect(run(live, at("networkDown", 10), at("networkUp", 50), lost(60))).toMatchObject({ name: "reconnecting", since: 10 });
    expect(run(connecting, lost(9))).toMatchObject({ name: "reconnecting", since: 0 });
  });
  it("is offline while the browser says so, unless the server answers all the same", () => {
    expect(run(live, at("networkDown", 10), lost(11)).name).toBe("offline");
    expect(run(live, at("networkDown", 10), at("synced", 12)).name).toBe("live");
  });
  it("stays expired until somebody logs in", () => {
    const expired = run(live, at("refused", 10));
    expect(run(expired, lost(11), at("networkDown", 12), at("networkUp", 13), at("synced", 14), at("trying", 15))).toBe(expired);
    expect(run(expired, at("signedIn", 20))).toEqual({ name: "connecting", since: 20 });
  });
  it("shows a banner after three seconds without a connection, not for expired", () => {
    const down = run(live, lost(1000));
    expect([2000, 3999, 4000].map((now) => needsBanner(down, now))).toEqual([false, false, true]);
    expect(needsBanner(live, 1e9)).toBe(false);
    expect(needsBanner({ name: "expired", since: 0 }, 1e9)).toBe(false);
  });
});

it("backs off by doubling up to 30 s, with jitter, and starts again after a reset", () => {
  const full = new Backoff(1000, 30_000, () => 1);
  expect(Array.from({ length: 7 }, () => full.next())).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  full.reset();
  expect(full.next()).toBe(1000);
  const half = new Backoff(1000, 30_000, () => 0);
  expect([half.next(), half.next()]).toEqual([500, 1000]);
});

describe("the server's clock", () => {
  it("believes the sample with the shortest way", () => {
    const clock = new ServerClock();
    expect([clock.known, clock.offset]).toEqual([false, 0]);
    clock.sample(100_000, 90_300); // 300 ms on the way
    clock.sample(101_000, 91_010); // 10 ms
    clock.sample(102_000, 92_900); // 900 ms
    expect(clock.offset).toBe(9_990);
  });
  it("follows a clock that is set, in either direction", () => {
    const clock = new ServerClock();
    clock.sample(100_000, 100_000);
    clock.sample(101_000, 51_000);
    expect(clock.offset).toBe(50_000);
    clock.sample(102_000, 102_000);
    expect(clock.offset).toBe(0);
  });
  it("forgets old samples and ignores what is no time", () => {
    const clock = new ServerClock();
    clock.sample(1_000, 0);
    clock.sample(NaN, 0);
    for (let i = 0; i < 8; i++) clock.sample(500, 0);
    expect(clock.offset).toBe(500);
  });
});
