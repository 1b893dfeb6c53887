// What the palette offers for what is typed: commands and people, the best first.

import { fold, queryWords } from "./list";

export interface Offer {
  /** Unlike any other's. */
  readonly id: string;
  readonly title: string;
  /** Said after the title, in a lighter hand; searched too. */
  readonly detail: string;
  run(): void;
}

/** Lower is better: the title begins so, a word of it does, it is somewhere in it. Null: it is not. */
function rank(offer: Offer, words: readonly string[], query: string): number | null {
  const title = fold(offer.title);
  const whole = `${title} ${fold(offer.detail)} ${fold(offer.id)}`;
  if (!words.every((w) => whole.includes(w))) return null;
  if (title.startsWith(query)) return 0;
  return words.every((w) => title.split(/[\s\-.,]+/).some((part) => part.startsWith(w))) ? 1 : 2;
}

/** The best offers, at most `limit`. Offers that match equally well stay in their order; for nothing typed, the first are the best. */
export function best(offers: Iterable<Offer>, query: string, limit: number): Offer[] {
  const words = queryWords(query);
  const whole = words.join(" ");
  const found: [Offer, number][] = [];
  for (const offer of offers) {
    const r = rank(offer, words, whole);
    if (r !== null) found.push([offer, r]);
  }
  return found.sort((a, b) => a[1] - b[1]).slice(0, limit).map(([offer]) => offer);
}
