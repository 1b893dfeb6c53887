import { describe, expect, it } from "vitest";
import { EventReader } from "./events";

const text = ": padding\n\nid: 7\ndata: {\"a\":1}\n\nevent: alive\ndata:\n\nevent: end\r\ndata: one\r\ndata: two\r\n\r\ndata: last";

describe("events", () => {
  const want = [
    { type: "message", data: '{"a":1}' },
    { type: "alive", data: "" },
    { type: "end", data: "one\ntwo" },
  ];
  it("are read at once", () => expect(new EventReader().read(text)).toEqual(want));
  it.each([1, 2, 3, 7])("are read in pieces of %i", (size) => {
    const reader = new EventReader();
    const got = [];
    for (let i = 0; i < text.length; i += size) got.push(...reader.read(text.slice(i, i + size)));
    expect(got).toEqual(want);
  });
});
