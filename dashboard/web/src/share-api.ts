// Links to a person's position, as their makers handle them. What changes something wants an access token, which
// no other site can have; reading does with the session.

import { parseShares, type Share } from "./core/share";
import { refused } from "./refusal";

const TIMEOUT_MS = 20_000;

export interface Made {
  readonly id: string;
  readonly url: string;
  readonly expiresAt: number;
}

export async function listShares(company: string, employee: string): Promise<Share[]> {
  const shares = parseShares(await (await send(pathOf(company, employee), {})).json());
  if (!shares) throw new Error("The server’s answer cannot be read.");
  return shares;
}

export async function makeShare(company: string, employee: string, seconds: number, note: string): Promise<Made> {
  const body = JSON.stringify({ expires_in_s: seconds, ...(note ? { note } : {}) });
  const response = await send(pathOf(company, employee), { method: "POST", body, headers: { ...(await authorized()), "content-type": "application/json" } });
  const { id, url, expires_at } = (await response.json()) as { id: string; url: string; expires_at: string };
  // The server may be known by another name, or below a path: the browser knows best where it is.
  return { id, url: new URL(`s${new URL(url).hash}`, document.baseURI).href, expiresAt: Date.parse(expires_at) };
}

export async function revokeShare(company: string, employee: string, id: string): Promise<void> {
  await send(`${pathOf(company, employee)}/${encodeURIComponent(id)}`, { method: "DELETE", headers: await authorized() });
}

async function authorized(): Promise<{ authorization: string }> {
  const { token } = (await (await send("api/v1/session", { method: "POST" })).json()) as { token: string };
  return { authorization: `Bearer ${token}` };
}

const pathOf = (company: string, employee: string) => `api/v1/companies/${encodeURIComponent(company)}/employees/${encodeURIComponent(employee)}/shares`;

async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(new URL(path, document.baseURI), { ...init, credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new Error("The server cannot be reached.");
  }
  if (response.ok) return response;
  if (response.status === 401) refused();
  const problem = (await response.json().catch(() => ({}))) as { detail?: string };
  throw new Error(problem.detail || `The server answers ${response.status}.`);
}
