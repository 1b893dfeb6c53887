// The few requests that the live view needs.

import { parseEmployees, parsePositions, type Employee, type Positions } from "../core/wire";
import type { Identity } from "./protocol";

const TIMEOUT_MS = 20_000;
const REACH_MS = 5_000;

/** The server does not know who asks (any more). */
export class Unauthorized extends Error {
  constructor() {
    super("not logged in");
  }
}

export interface Access {
  readonly token: string;
  /** This machine's clock. */
  readonly expiresAt: number;
  readonly identity: Identity;
}

export class Api {
  /** @param base the server's address, with a slash at the end */
  constructor(private readonly base: string) {}

  /** Trades the session cookie for an access token. */
  async access(): Promise<Access> {
    const response = await this.#send("api/v1/session", { method: "POST" });
    const body = (await response.json()) as Record<string, unknown>;
    const access = readAccess(body, Date.now());
    if (!access) throw new Error("the server's answer holds no token");
    return access;
  }

  /** Everybody's last-known position, or only those that changed after a sequence number. */
  async positions(token: string, company: string, after: number | null): Promise<Positions> {
    const query = after === null ? "" : `?after=${after}`;
    const response = await this.#get(token, `companies/${encodeURIComponent(company)}/positions${query}`);
    const positions = parsePositions(await response.json(), after === null);
    if (!positions) throw new Error("the server's answer holds no positions");
    if (Number.isNaN(positions.at)) return { ...positions, at: Date.parse(response.headers.get("date") ?? "") };
    return positions;
  }

  /** Everybody of a company, also who has never reported. */
  async employees(token: string, company: string): Promise<Employee[]> {
    const response = await this.#get(token, `companies/${encodeURIComponent(company)}/employees`);
    const employees = parseEmployees(await response.json());
    if (!employees) throw new Error("the server's answer holds no employees");
    return employees;
  }

  /** Whether the server answers ordinary requests. */
  async reachable(): Promise<boolean> {
    try {
      const response = await fetch(new URL("healthz", this.base), { cache: "no-store", signal: AbortSignal.timeout(REACH_MS) });
      return response.ok;
    } catch {
      return false;
    }
  }

  #get(token: string, path: string): Promise<Response> {
    return this.#send(`api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const response = await fetch(new URL(path, this.base), {
      ...init,
      credentials: "same-origin",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 401) throw new Unauthorized();
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    return response;
  }
}

/** Reads the answer of POST session. Lifetimes are taken from the difference of the server's own times. */
export function readAccess(body: Record<string, unknown>, now: number): Access | null {
  const { token } = body;
  if (typeof token !== "string" || token === "") return null;
  const claims = readClaims(token);
  const text = (key: string): string => {
    const value = body[key] ?? claims[key];
    return typeof value === "string" ? value : "";
  };
  const { exp, iat } = claims;
  const lifeS = typeof exp === "number" && typeof iat === "number" ? exp - iat : 0;
  return {
    token,
    expiresAt: now + (lifeS > 0 ? lifeS : 15 * 60) * 1000,
    identity: {
      subject: text("email") || text("sub"),
      name: text("name"),
      role: text("role"),
      company: text("company"),
      companyName: text("company_name"),
    },
  };
}

function readClaims(token: string): Record<string, unknown> {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(payload)) as Record<string, unknown>;
  } catch {
    return {}; // an opaque token is as good
  }
}
