import { expect, it } from "vitest";
import { failed, FIRST, worked } from "./ladder";

it("goes down where a rung fails and the server is there", () => {
  const once = failed(FIRST, true);
  expect(once).toMatchObject({ rung: "websocket", failures: 1, why: "" });
  const stream = failed(once, true);
  expect(stream).toEqual({ rung: "stream", failures: 0, why: "WebSocket connections do not get through" });
  const poll = failed(stream, true);
  expect(poll).toEqual({ rung: "poll", failures: 0, why: "something on the way holds back event streams" });
  expect(failed(poll, true)).toMatchObject({ rung: "poll", why: poll.why });
});

it("stays where it is while the server is away", () => {
  expect(failed(failed(failed(FIRST, false), false), false)).toEqual(FIRST);
});

it("forgets failures when it works", () => {
  expect(worked(failed(FIRST, true))).toEqual(FIRST);
  expect(worked(FIRST)).toBe(FIRST);
});
