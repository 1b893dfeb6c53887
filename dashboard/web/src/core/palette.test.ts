import { describe, expect, it } from "vitest";
import { best, type Offer } from "./palette";

const offer = (id: string, title: string, detail = ""): Offer => ({ id, title, detail, run: () => {} });
const offers = [
  offer("history", "History", "days, trips and stops"),
  offer("e1", "Luca Rossi", "Port team"),
  offer("e2", "Rosa Lucas"),
  offer("e3", "Mélanie O'Hara-Lund"),
  offer("e17", "Anna-Luise Ross"),
];
const ids = (query: string, limit = 9) => best(offers, query, limit).map((o) => o.id);

describe("best", () => {
  it.each([
    { query: "luc", found: ["e1", "e2"], why: "who begins so before whose second name does" },
    { query: "ros luc", found: ["e1", "e2"], why: "all words, in any order" },
    { query: "melanie", found: ["e3"], why: "without accents" },
    { query: "LUISE", found: ["e17"], why: "parts of a name with a hyphen, in any case" },
    { query: "port", found: ["e1"], why: "what is said after the title" },
    { query: "e17", found: ["e17"], why: "the id" },
    { query: "nobody", found: [], why: "nothing at all" },
    { query: "  ", found: ["history", "e1", "e2", "e3", "e17"], why: "for nothing typed, the order that they have" },
  ])("finds $why: $query", ({ query, found }) => expect(ids(query)).toEqual(found));

  it("keeps to the limit", () => expect(ids("", 2)).toEqual(["history", "e1"]));
});
