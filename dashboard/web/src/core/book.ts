// The book of who is where: one pure function merges what comes by HTTP (snapshot, changes, employees)
// with what comes by MQTT (frames), in whatever order they arrive.
//
// A frame says which frame it follows. As long as the chain holds, frames are applied as they come. When it
// breaks, and after each connection, frames are kept aside and the book wants an answer by HTTP; with that
// it is whole again, and the kept frames continue it.

import { blank, type Person } from "./person";
import type { Employee, Frame, Positions } from "./wire";

export interface Book {
  readonly company: string;
  /** All changes up to this one are in `people`. */
  readonly seq: number;
  readonly people: ReadonlyMap<string, Person>;
  /** What has to be asked by HTTP before the book is whole: everything, the changes after `seq`, or nothing. */
  readonly wants: "snapshot" | "changes" | null;
  /** The names of the company's people have to be asked for. */
  readonly wantsEmployees: boolean;
  /** Frames that wait for an answer. */
  readonly kept: readonly Frame[];
  readonly directory: ReadonlyMap<string, Employee>;
  /** People that even the newest directory does not know: no reason to ask again. */
  readonly strangers: ReadonlySet<string>;
  readonly stats: { readonly gaps: number; readonly duplicates: number; readonly malformed: number };
}

export type Action =
  /** A connection is about to be made: what happened since the last one is unknown. */
  | { readonly type: "connecting" }
  | { readonly type: "frame"; readonly frame: Frame }
  | { readonly type: "positions"; readonly positions: Positions }
  | { readonly type: "employees"; readonly employees: readonly Employee[] };

export interface Step {
  readonly book: Book;
  /** Who may have changed. */
  readonly touched: readonly string[] | "all";
}

/** Frames kept while an answer is under way; at four a second this is more than any time limit of a request. */
export const MAX_KEPT = 512;

export function emptyBook(company: string): Book {
  return {
    company,
    seq: 0,
    people: new Map(),
    wants: "snapshot",
    wantsEmployees: true,
    kept: [],
    directory: new Map(),
    strangers: new Set(),
    stats: { gaps: 0, duplicates: 0, malformed: 0 },
  };
}

/** Returns the book after an action. Neither argument is changed. */
export function reduce(book: Book, action: Action): Step {
  switch (action.type) {
    case "connecting":
      return { book: { ...book, wants: book.wants ?? "changes", wantsEmployees: true, kept: [] }, touched: [] };
    case "frame":
      return onFrame(book, action.frame);
    case "positions":
      return onPositions(book, action.positions);
    case "employees":
      return onEmployees(book, action.employees);
  }
}

function onFrame(book: Book, frame: Frame): Step {
  if (frame.company !== book.company) return { book: counted(book, { malformed: 1 }), touched: [] };
  if (book.wants) return { book: keep(book, frame), touched: [] };
  const names = frame.seq === book.seq && frame.prev === frame.seq; // somebody was renamed: no change of where they are
  if (frame.seq <= book.seq && !names) return { book: counted(book, { duplicates: 1 }), touched: [] };
  if (frame.prev > book.seq) return { book: { ...keep(counted(book, { gaps: 1 }), frame), wants: "changes" }, touched: [] };
  return apply(names ? { ...book, wantsEmployees: true } : book, frame); // it may be a team, which frames do not tell
}

function keep(book: Book, frame: Frame): Book {
  const kept = [...book.kept, frame].slice(-MAX_KEPT); // an answer covers the oldest; if not, the chain shows a gap
  return { ...book, kept };
}

function onPositions(book: Book, answer: Positions): Step {
  const malformed = counted(book, { malformed: answer.malformed });
  if (answer.complete) return drain(replaced(malformed, answer), "all");
  if (book.wants === "snapshot") return { book: malformed, touched: [] }; // changes of nothing; keep asking
  const merged = withPeople(malformed, answer.people);
  const next = { ...merged.book, seq: Math.max(book.seq, answer.seq), wants: null };
  return drain(next, merged.touched);
}

/** The book with the answer's people in place of its own. A sequence that is lower than before is a server that has started anew. */
function replaced(book: Book, answer: Positions): Book {
  const people = new Map<string, Person>();
  for (const [id, employee] of book.directory) people.set(id, unseen(employee));
  const cleared: Book = { ...book, people, seq: answer.seq, wants: null };
  return withPeople(cleared, answer.people).book;
}

/** Applies the kept frames in their order, as far as the chain holds. */
function drain(book: Book, touched: readonly string[] | "all"): Step {
  const frames = [...book.kept].sort((a, b) => a.seq - b.seq);
  let step: Step = { book: { ...book, kept: [] }, touched };
  for (const frame of frames) {
    const next = onFrame(step.book, frame);
    step = { book: next.book, touched: join(step.touched, next.touched) };
  }
  return step;
}

function apply(book: Book, frame: Frame): Step {
  const merged = withPeople(counted(book, { malformed: frame.malformed }), frame.people);
  return { book: { ...merged.book, seq: frame.seq }, touched: merged.touched };
}

function withPeople(book: Book, changes: readonly Person[]): Step {
  const people = new Map(book.people);
  let wantsEmployees = book.wantsEmployees;
  for (const change of changes) {
    const known = people.get(change.id);
    people.set(change.id, known ? merge(known, change) : change);
    if (!book.directory.has(change.id) && !book.strangers.has(change.id)) wantsEmployees = true;
  }
  return { book: { ...book, people, wantsEmployees }, touched: changes.map((c) => c.id) };
}

/**
 * Newer wins, for the fix and for the presence each on its own: a message about one may be older than what
 * is known of the other, and a row without coordinates says nothing about the position.
 */
export function merge(known: Person, change: Person): Person {
  const newFix = change.fix !== null && (known.fix === null || change.fix.seq >= known.fix.seq);
  const newPresence =
    change.presence !== null &&
    (known.presence === null || (change.presenceSince ?? 0) >= (known.presenceSince ?? 0));
  return {
    id: known.id,
    name: change.name || known.name,
    team: change.team ?? known.team,
    fix: newFix ? change.fix : known.fix,
    offShift: newFix ? change.offShift : known.offShift,
    intervalS: newFix ? (change.intervalS ?? known.intervalS) : known.intervalS,
    presence: newPresence ? change.presence : known.presence,
    presenceSince: newPresence ? change.presenceSince : known.presenceSince,
  };
}

const unseen = (e: Employee): Person => ({ ...blank(e.id, e.name), team: e.team, presence: e.presence, presenceSince: e.presenceSince });

function onEmployees(book: Book, employees: readonly Employee[]): Step {
  const directory = new Map(employees.map((e) => [e.id, e]));
  const people = new Map<string, Person>();
  for (const [id, person] of book.people) {
    const employee = directory.get(id);
    if (!employee && !person.fix) continue; // no longer of the company, and never seen
    people.set(id, employee ? merge(person, unseen(employee)) : person);
  }
  for (const [id, employee] of directory) if (!people.has(id)) people.set(id, unseen(employee));
  const strangers = new Set([...people.keys()].filter((id) => !directory.has(id)));
  return { book: { ...book, directory, people, strangers, wantsEmployees: false }, touched: "all" };
}

function counted(book: Book, more: Partial<Book["stats"]>): Book {
  const { gaps, duplicates, malformed } = book.stats;
  return {
    ...book,
    stats: {
      gaps: gaps + (more.gaps ?? 0),
      duplicates: duplicates + (more.duplicates ?? 0),
      malformed: malformed + (more.malformed ?? 0),
    },
  };
}

/** The union of two sets of people. */
export function join(a: readonly string[] | "all", b: readonly string[] | "all"): readonly string[] | "all" {
  if (a === "all" || b === "all") return "all";
  return b.length ? [...a, ...b] : a;
}
