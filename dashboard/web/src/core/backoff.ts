/** The waits between attempts: doubling from `first` to `most` milliseconds, each with a jitter of half. */
export class Backoff {
  #next: number;

  constructor(
    private readonly first = 1_000,
    private readonly most = 30_000,
    private readonly random: () => number = Math.random,
  ) {
    this.#next = first;
  }

  /** The next wait. Jitter keeps a thousand browsers from coming back in the same instant. */
  next(): number {
    const wait = this.#next * (0.5 + this.random() / 2);
    this.#next = Math.min(this.#next * 2, this.most);
    return Math.round(wait);
  }

  reset(): void {
    this.#next = this.first;
  }
}
