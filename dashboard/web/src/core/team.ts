// Teams: who is in which, and the list with a heading for each. A team is known by its key, which is its name
// without case; the key of people without a team is "".

import type { Person } from "./person";

export interface Team {
  readonly key: string;
  /** "" for people without a team. */
  readonly name: string;
  readonly people: number;
}

/** A part of the list: the rows of one team. */
export interface Group {
  readonly key: string;
  readonly from: number;
  readonly count: number;
}

export function teamKey(name: string): string;
export function teamKey(name: string | null): string | null;
export function teamKey(name: string | null): string | null {
  return name === null ? null : name.trim().toLowerCase();
}

export const keyOf = (person: Pick<Person, "team">): string => teamKey(person.team ?? "");

/** Reports whether somebody is in a team; null is everybody. */
export const inTeam = (person: Person, key: string | null): boolean => key === null || keyOf(person) === key;

/** The teams by name, and at the end those who are in none, if there are any. Nothing at all if nobody is in a team. */
export function teamsOf(people: Iterable<Person>): Team[] {
  const found = new Map<string, { key: string; name: string; people: number }>();
  for (const person of people) {
    const key = keyOf(person);
    const team = found.get(key);
    if (team) team.people++;
    else found.set(key, { key, name: person.team ?? "", people: 1 });
  }
  const none = found.get("");
  found.delete("");
  if (found.size === 0) return [];
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const named = [...found.values()].sort((a, b) => collator.compare(a.name, b.name) || (a.key < b.key ? -1 : 1));
  return none ? [...named, none] : named;
}

/** The ids in the order of teams, each team's in the order that they had, and where each team begins. */
export function groupBy(ids: readonly string[], teams: readonly Team[], keyOfId: (id: string) => string): { ids: string[]; groups: Group[] } {
  const parts = new Map<string, string[]>(teams.map((t) => [t.key, []]));
  for (const id of ids) {
    const key = keyOfId(id);
    const part = parts.get(key);
    if (part) part.push(id);
    else parts.set(key, [id]);
  }
  const sorted: string[] = [];
  const groups: Group[] = [];
  for (const [key, part] of parts) {
    if (!part.length) continue;
    groups.push({ key, from: sorted.length, count: part.length });
    sorted.push(...part);
  }
  return { ids: sorted, groups };
}

/** Sizes of the list, in pixels. */
export interface Sizes {
  readonly row: number;
  readonly head: number;
}

/** Where a group's heading is. */
export const groupTop = (groups: readonly Group[], index: number, { row, head }: Sizes): number =>
  (groups[index]?.from ?? 0) * row + index * head;

/** Where a row is: behind all rows before it, and the headings of its group and those before. */
export function rowTop(groups: readonly Group[], index: number, { row, head }: Sizes): number {
  return index * row + groups.filter((g) => g.from <= index).length * head;
}

/** The groups that reach into a part of the list, with the rows of each that do. */
export function visible(groups: readonly Group[], top: number, bottom: number, sizes: Sizes): { index: number; from: number; to: number }[] {
  const seen: { index: number; from: number; to: number }[] = [];
  groups.forEach((group, index) => {
    const start = groupTop(groups, index, sizes) + sizes.head;
    const end = start + group.count * sizes.row;
    if (end <= top || start - sizes.head >= bottom) return;
    const from = Math.max(0, Math.floor((top - start) / sizes.row));
    const to = Math.min(group.count, Math.ceil((bottom - start) / sizes.row));
    seen.push({ index, from: group.from + from, to: group.from + Math.max(from, to) });
  });
  return seen;
}
