import { describe, expect, it } from "vitest";
import { emptyBook, join, MAX_KEPT, merge, reduce, type Action, type Book } from "./book";
import { blank, type Person } from "./person";
import type { Frame, Positions } from "./wire";

const person = (id: string, seq: number, more: Partial<Person> = {}): Person => ({
  ...blank(id, `Name ${id}`),
  fix: {
    lat: seq / 1000, lon: 1, accuracyM: null, altitudeM: null, speedMps: null, courseDeg: null, batteryPct: null,
    charging: null, trigger: "", network: "", recordedAt: seq * 1000, receivedAt: seq * 1000, seq, quality: "ok",
  },
  ...more,
});
const frame = (prev: number, seq: number, ...people: Person[]): Action => ({
  type: "frame",
  frame: { company: "acme", prev, seq, at: 0, people, complete: false, malformed: 0 } satisfies Frame,
});
const answer = (seq: number, complete: boolean, ...people: Person[]): Action => ({
  type: "positions",
  positions: { seq, at: 0, complete, people, malformed: 0 } satisfies Positions,
});
const employees = (...ids: string[]): Action => ({
  type: "employees",
  employees: ids.map((id) => ({ id, name: `Name ${id}`, team: "", presence: null, presenceSince: null })),
});
const run = (...actions: Action[]): Book => actions.reduce((book, action) => reduce(book, action).book, emptyBook("acme"));
const seqs = (book: Book) => Object.fromEntries([...book.people].map(([id, p]) => [id, p.fix?.seq ?? null]));

describe("the order of arrival", () => {
  const a = person("a", 11), b = person("b", 12), c = person("c", 14);
  const whole = [
    { name: "snapshot, then frames", actions: [answer(10, true), frame(10, 12, a, b), frame(12, 14, c)] },
    { name: "frames first, snapshot older than all", actions: [frame(10, 12, a, b), frame(12, 14, c), answer(10, true)] },
    { name: "snapshot in the middle of a frame", actions: [frame(10, 12, a, b), frame(12, 14, c), answer(11, true, a)] },
    { name: "snapshot newer than all frames", actions: [frame(10, 12, a, b), answer(14, true, a, b, c)] },
    { name: "kept frames out of order", actions: [frame(12, 14, c), frame(10, 12, a, b), answer(10, true)] },
    { name: "frames twice", actions: [answer(10, true), frame(10, 12, a, b), frame(10, 12, a, b), frame(12, 14, c), frame(12, 14, c)] },
    { name: "a gap, closed by changes", actions: [answer(10, true), frame(12, 14, c), answer(14, false, a, b, c)] },
    { name: "a gap, changes older than the kept frame", actions: [answer(10, true), frame(12, 14, c), answer(12, false, a, b)] },
    { name: "a gap, the missing frame comes late", actions: [answer(10, true), frame(12, 14, c), frame(10, 12, a, b), answer(12, false, a, b)] },
    { name: "connected anew, changes asked", actions: [answer(10, true), { type: "connecting" } as Action, frame(12, 14, c), answer(13, false, a, b)] },
    { name: "an old frame after newer ones", actions: [answer(12, true, a, b), frame(12, 14, c), frame(8, 10, person("a", 9))] },
  ];
  it.each(whole)("$name", ({ actions }) => {
    const book = run(...actions);
    expect(seqs(book)).toEqual({ a: 11, b: 12, c: 14 });
    expect(book).toMatchObject({ seq: 14, wants: null, kept: [] });
  });
});

describe("a frame of names", () => {
  it("renames though nobody has moved", () => {
    const book = run(answer(10, true, person("a", 10)), frame(10, 10, person("a", 10, { name: "Asha" })));
    expect(book.people.get("a")?.name).toBe("Asha");
    expect(book).toMatchObject({ seq: 10, wants: null, stats: { duplicates: 0 } });
  });
  it("is no reason to go back", () => {
    const book = run(answer(12, true, person("a", 12)), frame(10, 10, person("a", 10, { name: "Asha" })));
    expect(book.people.get("a")?.name).toBe("Name a");
    expect(book.stats.duplicates).toBe(1);
  });
});

describe("what the book wants", () => {
  it("wants everything at first, and the names", () => {
    expect(emptyBook("acme")).toMatchObject({ wants: "snapshot", wantsEmployees: true });
  });
  it("wants the changes after a gap, and keeps what comes meanwhile", () => {
    const book = run(answer(10, true), frame(12, 14, person("c", 14)), frame(14, 15, person("d", 15)));
    expect(book).toMatchObject({ wants: "changes", seq: 10, stats: { gaps: 1 } });
    expect(book.kept).toHaveLength(2);
    expect(book.people.size).toBe(0);
  });
  it("wants the changes again if the answer does not reach the gap's end", () => {
    const book = run(answer(10, true), frame(20, 22, person("c", 22)), answer(15, false));
    expect(book).toMatchObject({ wants: "changes", seq: 15 });
    expect(book.kept).toHaveLength(1);
  });
  it("wants the changes after each connection, a snapshot if it never had one", () => {
    expect(run({ type: "connecting" }).wants).toBe("snapshot");
    expect(run(answer(10, true), { type: "connecting" }).wants).toBe("changes");
  });
  it("throws away frames of the connection before", () => {
    expect(run(answer(10, true), frame(12, 14), { type: "connecting" }).kept).toEqual([]);
  });
  it("takes no changes while it has nothing that they could change", () => {
    expect(run(answer(10, false, person("a", 10)))).toMatchObject({ wants: "snapshot", seq: 0 });
  });
  it("bounds the kept frames", () => {
    const many = Array.from({ length: MAX_KEPT + 50 }, (_, i) => frame(i, i + 1, person("a", i + 1)));
    const book = run(...many);
    expect(book.kept).toHaveLength(MAX_KEPT);
    // The answer is older than the oldest kept frame: the chain shows it.
    expect(reduce(book, answer(10, true)).book.wants).toBe("changes");
  });
  it("takes a whole answer where it asked for changes, even with a lower sequence: the server has started anew", () => {
    const book = run(answer(100, true, person("a", 90), person("gone", 80)), { type: "connecting" }, answer(5, true, person("a", 3)));
    expect(seqs(book)).toEqual({ a: 3 });
    expect(book).toMatchObject({ seq: 5, wants: null });
    expect(seqs(reduce(book, frame(5, 6, person("a", 6))).book)).toEqual({ a: 6 });
  });
  it("never moves its sequence back for changes", () => {
    expect(run(answer(10, true), { type: "connecting" }, answer(8, false)).seq).toBe(10);
  });
});

describe("frames", () => {
  it("of another company are counted and ignored", () => {
    const other = { ...frame(10, 12, person("x", 12)) } as Extract<Action, { type: "frame" }>;
    const book = run(answer(10, true), { ...other, frame: { ...other.frame, company: "rival" } });
    expect(book).toMatchObject({ seq: 10, stats: { malformed: 1 } });
    expect(book.people.size).toBe(0);
  });
  it("tell who is touched", () => {
    const book = run(answer(10, true), employees("a", "b"));
    expect(reduce(book, frame(10, 12, person("a", 11), person("b", 12))).touched).toEqual(["a", "b"]);
    expect(reduce(book, frame(5, 9, person("a", 9))).touched).toEqual([]);
    expect(reduce(book, answer(12, true)).touched).toBe("all");
  });
  it("leave the book that they are given as it was", () => {
    const book = run(answer(10, true, person("a", 10)));
    const before = structuredClone({ ...book });
    reduce(book, frame(10, 12, person("a", 12)));
    expect({ ...book }).toEqual(before);
  });
});

describe("people", () => {
  it("keeps the position when a row only tells the presence", () => {
    const only = { ...blank("a", ""), presence: "offline" as const, presenceSince: 50 };
    const book = run(answer(10, true, person("a", 10, { presence: "online", presenceSince: 20 })), frame(10, 11, only));
    expect(book.people.get("a")).toMatchObject({ name: "Name a", presence: "offline", presenceSince: 50, fix: { seq: 10 } });
  });
  it("never goes back, for fix and presence each on its own", () => {
    const known = person("a", 20, { presence: "online", presenceSince: 200 });
    const older = person("a", 15, { presence: "offline", presenceSince: 300 });
    expect(merge(known, older)).toMatchObject({ fix: { seq: 20 }, presence: "offline", presenceSince: 300 });
    const newer = person("a", 25, { presence: "offline", presenceSince: 100 });
    expect(merge(known, newer)).toMatchObject({ fix: { seq: 25 }, presence: "online", presenceSince: 200 });
  });
  it("takes the later of two fixes of one message", () => {
    const one = person("a", 20);
    const two: Person = { ...one, fix: { ...one.fix!, lat: 9 } };
    expect(merge(one, two).fix?.lat).toBe(9);
  });
  it("asks for the names when somebody unknown appears, but only once for a stranger", () => {
    let book = run(answer(10, true), employees("a"));
    expect(book.wantsEmployees).toBe(false);
    book = reduce(book, frame(10, 11, person("x", 11))).book;
    expect(book.wantsEmployees).toBe(true);
    book = reduce(book, employees("a")).book;
    expect(book).toMatchObject({ wantsEmployees: false });
    expect([...book.strangers]).toEqual(["x"]);
    expect(reduce(book, frame(11, 12, person("x", 12))).book.wantsEmployees).toBe(false);
  });
  it("asks for teams when only names have changed, which may be a team, and no frame tells one", () => {
    let book = run(answer(10, true, person("a", 10)), { type: "employees", employees: [{ id: "a", name: "Name a", team: "North", presence: null, presenceSince: null }] });
    book = reduce(book, frame(10, 11, person("a", 11))).book;
    expect(book.people.get("a")?.team).toBe("North");
    expect(book.wantsEmployees).toBe(false);
    book = reduce(book, frame(11, 11, person("a", 11))).book;
    expect(book.wantsEmployees).toBe(true);
    book = reduce(book, employees("a")).book; // out of the team
    expect(book.people.get("a")?.team).toBe("");
  });
  it("lists people who never reported, whichever comes first", () => {
    for (const actions of [[employees("a", "n"), answer(10, true, person("a", 10))], [answer(10, true, person("a", 10)), employees("a", "n")]]) {
      const book = run(...actions);
      expect(seqs(book)).toEqual({ a: 10, n: null });
    }
  });
  it("lets go of people who are no longer of the company and were never seen", () => {
    const book = run(employees("a", "n"), answer(10, true, person("a", 10)), employees("a"));
    expect([...book.people.keys()]).toEqual(["a"]);
  });
  it("takes a new name from the directory", () => {
    const book = run(answer(10, true, person("a", 10)), {
      type: "employees",
      employees: [{ id: "a", name: "Asha Rao", team: "North", presence: "online", presenceSince: 5 }],
    });
    expect(book.people.get("a")).toMatchObject({ name: "Asha Rao", team: "North", presence: "online", fix: { seq: 10 } });
  });
});

it("ends the same for every order in which frames and an answer can arrive", () => {
  // Frames 1..6 in order (as MQTT delivers), some lost, the answer at any point and of any age: after one
  // more catch-up the book holds exactly what the server holds.
  const all = Array.from({ length: 6 }, (_, i) => person(`p${i % 3}`, i + 1));
  const server = (upTo: number, after = 0) => {
    const newest = new Map(all.slice(0, upTo).map((p) => [p.id, p]));
    return [...newest.values()].filter((p) => p.fix!.seq > after);
  };
  for (let lost = 0; lost < 64; lost++) {
    for (let answered = 0; answered <= 6; answered++) {
      for (let age = 0; age <= answered; age++) {
        let book = emptyBook("acme");
        for (let i = 0; i <= 6; i++) {
          if (i === answered) book = reduce(book, answer(age, true, ...server(age))).book;
          if (i < 6 && !(lost & (1 << i))) book = reduce(book, frame(i, i + 1, all[i]!)).book;
        }
        book = reduce(book, { type: "connecting" }).book;
        book = reduce(book, answer(6, false, ...server(6, book.seq))).book;
        expect(seqs(book)).toEqual({ p0: 4, p1: 5, p2: 6 });
        expect(book).toMatchObject({ seq: 6, wants: null, kept: [] });
      }
    }
  }
});

it("joins sets of people", () => {
  expect(join(["a"], ["b"])).toEqual(["a", "b"]);
  expect(join("all", ["b"])).toBe("all");
  expect(join([], "all")).toBe("all");
});
