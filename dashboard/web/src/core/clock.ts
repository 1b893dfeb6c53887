// The server's clock, seen from a browser whose own may be wrong by hours.

const SAMPLES = 8;
const STEP_MS = 2_000;

/**
 * Measures how far the server's clock is ahead of this one. A message is never received before it was sent,
 * so of some samples the largest difference is the closest; when a clock is set, the old samples are worth
 * nothing and the newest is believed.
 */
export class ServerClock {
  #samples: number[] = [];

  /** Milliseconds to add to this machine's clock; 0 until the first sample. */
  get offset(): number {
    return this.#samples.length ? Math.max(...this.#samples) : 0;
  }

  get known(): boolean {
    return this.#samples.length > 0;
  }

  /** Takes a sample: the server's time in a message, and this machine's when it arrived. */
  sample(serverMs: number, localMs: number): void {
    if (!Number.isFinite(serverMs)) return;
    const difference = serverMs - localMs;
    if (Math.abs(difference - this.offset) > STEP_MS) this.#samples = [];
    this.#samples = [...this.#samples, difference].slice(-SAMPLES);
  }
}
