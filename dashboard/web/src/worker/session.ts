// The access token: fetched when it is needed, kept while it is good.

import type { Access } from "./api";

/** Renewed when this much of its life is over. */
const RENEW_AT = 0.8;

export class Session {
  #access: Access | null = null;
  #obtained = 0;
  #pending: Promise<Access> | null = null;

  constructor(
    private readonly fetchAccess: () => Promise<Access>,
    private readonly now: () => number = Date.now,
  ) {}

  /** A good token: the one at hand, or a new one. Requests at the same time share one fetch. */
  async access(): Promise<Access> {
    if (this.#access && this.now() < this.renewAt) return this.#access;
    this.#pending ??= this.fetchAccess().finally(() => (this.#pending = null));
    this.#access = await this.#pending;
    this.#obtained = this.now();
    return this.#access;
  }

  /** The moment at which the present token should be replaced. */
  get renewAt(): number {
    if (!this.#access) return 0;
    return this.#obtained + (this.#access.expiresAt - this.#obtained) * RENEW_AT;
  }

  /** The server has refused the token: the next caller gets a new one. */
  invalidate(): void {
    this.#access = null;
  }
}
