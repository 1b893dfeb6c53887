import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { unpack } from "../core/columns";
import { blank, type Person } from "../core/person";
import type { Employee, Positions } from "../core/wire";
import type { Rung } from "../core/ladder";
import { readAccess, Unauthorized, type Access } from "./api";
import { LinkError, type Link } from "./link";
import { Live, type Outside } from "./live";
import type { ToPage } from "./protocol";
import { Session } from "./session";

const NOW = Date.UTC(2026, 10, 23, 10);
beforeEach(() => void vi.useFakeTimers({ now: NOW }));
afterEach(() => void vi.useRealTimers());

const fixOf = (seq: number) => ({
  lat: seq, lon: 0, accuracyM: null, altitudeM: null, speedMps: null, courseDeg: null, batteryPct: null, charging: null,
  trigger: "", network: "", recordedAt: NOW, receivedAt: NOW, seq, quality: "ok",
});
const personOf = (id: string, seq: number): Person => ({ ...blank(id, id), fix: fixOf(seq) });

/** A server in memory: a company with a sequence, links that can be cut, answers that can be delayed or refused. */
class Server implements Outside {
  seq = 10;
  changed = new Map<string, number>([["a", 10]]);
  links: { send: (payload: string) => void; cut: (err: LinkError) => void; token: string; open: boolean }[] = [];
  asked: (number | null)[] = [];
  posts: ToPage[] = [];
  tokens = 0;
  life = 900_000;
  session: "good" | "over" | "down" = "good";
  mqtt: "good" | "down" | "refuses" = "good";
  http: "good" | "down" | "refuses" = "good";
  company = "acme";
  team = "";
  gate: Promise<void> = Promise.resolve();

  async access(): Promise<Access> {
    if (this.session === "over") throw new Unauthorized();
    if (this.session === "down") throw new Error("no route");
    const identity = { subject: "a@acme", name: "A", role: "manager", company: this.company, companyName: "Acme" };
    return { token: `t${++this.tokens}`, expiresAt: Date.now() + this.life, identity };
  }
  async positions(_token: string, _company: string, after: number | null): Promise<Positions> {
    this.asked.push(after);
    const { seq } = this;
    const people = [...this.changed].filter(([, s]) => s > (after ?? 0)).map(([id, s]) => personOf(id, s));
    await this.gate;
    if (this.http === "down") throw new Error("503");
    if (this.http === "refuses") {
      this.http = "good";
      throw new Unauthorized();
    }
    return { seq, at: Date.now(), complete: after === null, people, malformed: 0 };
  }
  async employees(): Promise<Employee[]> {
    return [...this.changed.keys(), "never"].map((id) => ({ id, name: id, team: this.team, presence: null, presenceSince: null }));
  }
  blocked: Rung[] = [];
  up = true;
  rungs: Rung[] = [];
  async reachable(): Promise<boolean> {
    return this.up;
  }
  async open(rung: Rung, access: Access, _after: number | null, send: (payload: string) => void): Promise<Link> {
    this.rungs.push(rung);
    if (this.mqtt === "down" || this.blocked.includes(rung)) throw new LinkError("the server cannot be reached", false, false);
    if (this.mqtt === "refuses") throw new LinkError("the server refused the token", true);
    let cut: (err: LinkError) => void = () => {};
    const closed = new Promise<LinkError>((resolve) => (cut = resolve));
    const link = { send, cut, token: access.token, open: true };
    this.links.push(link);
    return { closed, close: () => { link.open = false; cut(new LinkError("closed")); } };
  }
  post(message: ToPage): void {
    this.posts.push(structuredClone(message));
  }

  /** A person moves; the frame goes to whoever listens unless it is lost. */
  move(id: string, lost = false): void {
    const prev = this.seq;
    this.changed.set(id, ++this.seq);
    const payload = JSON.stringify({
      v: 1, company: "acme", prev, seq: this.seq, at: new Date(Date.now()).toISOString(), cols: ["employee", "lat", "lon", "recorded_at", "seq"],
      rows: [[id, this.seq, 0, new Date(NOW).toISOString(), this.seq]],
    });
    if (!lost) for (const link of this.links) if (link.open) link.send(payload);
  }
  get now() {
    return this.posts.filter((p) => p.type === "connection").at(-1)!.connection;
  }
  get listening() {
    return this.links.filter((l) => l.open);
  }
  /** What the page knows after all posts. */
  get page(): Record<string, number | null> {
    const people = new Map<string, Person>();
    for (const post of this.posts) {
      if (post.type !== "people") continue;
      if (post.full) people.clear();
      for (const p of unpack(post.columns)) people.set(p.id, p);
    }
    return Object.fromEntries([...people].map(([id, p]) => [id, p.fix?.seq ?? null]));
  }
}

const pass = (ms = 500) => vi.advanceTimersByTimeAsync(ms);

async function started(change: (server: Server) => void = () => {}, visible = true) {
  const server = new Server();
  change(server);
  const live = new Live(server, visible);
  live.start();
  await pass();
  return { server, live };
}

describe("Live", () => {
  it("connects, asks for everything, follows", async () => {
    const { server } = await started();
    expect(server.now.name).toBe("live");
    expect(server.asked).toEqual([null]);
    server.move("b");
    await pass();
    expect(server.page).toEqual({ a: 10, b: 11, never: null });
  });

  it("shows a team that no frame has told after two minutes, and not to a hidden page", async () => {
    const { server, live } = await started();
    const teams = () => new Set(server.posts.flatMap((p) => (p.type === "people" ? unpack(p.columns).map((q) => q.team) : [])));
    server.team = "North";
    live.setVisible(false);
    await pass(130_000);
    expect(teams().has("North")).toBe(false);
    live.setVisible(true);
    await pass(6_000);
    expect(teams().has("North")).toBe(true);
  });

  it("listens before it asks: what moves during the request is not missed", async () => {
    let open = () => {};
    const { server } = await started((s) => (s.gate = new Promise((resolve) => (open = resolve))));
    expect(server.now.name).toBe("connecting");
    server.move("b");
    open();
    await pass();
    expect(server.page).toMatchObject({ a: 10, b: 11 });
    expect(server.now.name).toBe("live");
  });

  it("closes a gap with one request, while frames go on", async () => {
    const { server } = await started();
    server.move("b", true);
    server.move("c");
    server.move("d");
    await pass();
    expect(server.asked).toEqual([null, 10]);
    expect(server.page).toMatchObject({ b: 11, c: 12, d: 13 });
    expect(server.now.name).toBe("live");
  });

  it("comes back after a loss, for ever, and catches up", async () => {
    const { server } = await started();
    server.mqtt = "down";
    server.links[0]!.cut(new LinkError("the connection was lost"));
    await pass();
    expect(server.now).toMatchObject({ name: "reconnecting", reason: expect.stringMatching(/lost|reached/) });
    server.move("b");
    await pass(20 * 60_000);
    expect(server.now.name).toBe("reconnecting");
    server.mqtt = "good";
    await pass(31_000);
    expect(server.now.name).toBe("live");
    expect(server.asked.at(-1)).toBe(10);
    expect(server.page).toMatchObject({ b: 11 });
  });

  it("is not live as long as it could not catch up", async () => {
    const { server } = await started((s) => (s.http = "down"));
    expect(server.now.name).toBe("reconnecting");
    server.http = "good";
    await pass(31_000);
    expect(server.now.name).toBe("live");
  });

  it("takes a new token when the broker refuses the old one, and goes on trying", async () => {
    const { server } = await started((s) => (s.mqtt = "refuses"));
    await pass(60_000);
    expect(server.tokens).toBeGreaterThan(3);
    server.mqtt = "good";
    await pass(31_000);
    expect(server.now.name).toBe("live");
  });

  it("takes a new token when HTTP refuses the old one", async () => {
    const { server } = await started((s) => (s.http = "refuses"));
    expect(server.tokens).toBe(2);
    expect(server.now.name).toBe("live");
  });

  it("says that the session is over, waits, and carries on after a login", async () => {
    const { server, live } = await started();
    server.session = "over";
    server.mqtt = "refuses";
    server.links[0]!.cut(new LinkError("refused", true));
    await pass(60_000);
    expect(server.now.name).toBe("expired");
    const asked = server.tokens;
    await pass(600_000);
    expect(server.tokens).toBe(asked);
    server.session = server.mqtt = "good";
    server.move("b");
    live.signedIn();
    await pass();
    expect(server.now.name).toBe("live");
    expect(server.page).toMatchObject({ a: 10, b: 11 });
  });

  it("asks for a new token when a request of the page was refused, and believes what it is told", async () => {
    const { server, live } = await started();
    live.refused();
    await pass();
    expect(server.now.name).toBe("live");
    expect(server.listening.map((l) => l.token)).toEqual(["t2"]);
    server.session = "over";
    live.refused();
    await pass();
    expect(server.now.name).toBe("expired");
  });

  it("forgets the people of one company when somebody of another logs in", async () => {
    const { server, live } = await started();
    server.company = "rival";
    server.changed = new Map([["x", 5]]);
    live.signedIn();
    await pass();
    expect(server.asked.at(-1)).toBeNull();
    expect(server.page).toEqual({ x: 5, never: null });
  });

  it("replaces the connection before its token ends: the new one listens before the old one is closed", async () => {
    const { server } = await started((s) => (s.life = 100_000));
    let both = 0;
    const open = server.open.bind(server);
    server.open = async (...args) => {
      const link = await open(...args);
      both = server.listening.length;
      return link;
    };
    await pass(85_000);
    expect(both).toBe(2);
    expect(server.listening.map((l) => l.token)).toEqual(["t2"]);
    server.move("b");
    await pass();
    expect(server.page).toMatchObject({ b: 11 });
    expect(server.posts.filter((p) => p.type === "connection" && p.connection.name === "reconnecting")).toEqual([]);
  });

  it("keeps the old connection if a new one cannot be made, and tries again", async () => {
    const { server } = await started((s) => (s.life = 100_000));
    server.mqtt = "down";
    await pass(85_000);
    expect(server.now.name).toBe("live");
    expect(server.listening).toHaveLength(1);
    server.mqtt = "good";
    await pass(11_000);
    expect(server.listening.map((l) => l.token)).toEqual(["t2"]);
  });

  it("posts nothing to a hidden page, and everything once when it is shown", async () => {
    const { server, live } = await started();
    live.setVisible(false);
    const before = server.posts.length;
    for (let i = 0; i < 50; i++) {
      server.move("b");
      await pass(100);
    }
    expect(server.posts.length).toBe(before);
    live.setVisible(true);
    await pass(1);
    expect(server.posts.slice(before)).toMatchObject([{ type: "people", full: true, seq: 60 }]);
    expect(server.page).toMatchObject({ b: 60 });
  });

  it("posts at most five times a second", async () => {
    const { server } = await started();
    const before = server.posts.length;
    for (let i = 0; i < 100; i++) {
      server.move("b");
      await pass(20);
    }
    const posts = server.posts.length - before;
    expect(posts).toBeGreaterThan(5);
    expect(posts).toBeLessThanOrEqual(11);
  });

  it("takes the connection for dead after the machine has slept", async () => {
    const { server } = await started();
    vi.setSystemTime(NOW + 3_600_000);
    await pass(5_500);
    expect(server.links).toHaveLength(2);
    expect(server.listening).toHaveLength(1);
    expect(server.now.name).toBe("live");
  });

  it("says offline while there is no network, and is back at once with it", async () => {
    const { server, live } = await started();
    server.mqtt = "down";
    live.network(false);
    await pass(40_000);
    expect(server.now.name).toBe("offline");
    server.mqtt = "good";
    live.network(true);
    await pass(10);
    expect(server.now.name).toBe("live");
  });

  it("tries at once when asked, and when the page is shown again", async () => {
    const { server, live } = await started();
    server.mqtt = "down";
    server.links[0]!.cut(new LinkError("lost"));
    await pass(40_000);
    server.mqtt = "good";
    live.setVisible(false);
    live.setVisible(true);
    await pass(10);
    expect(server.now.name).toBe("live");
  });

  it("shrugs at payloads that make no sense", async () => {
    const { server } = await started();
    for (const junk of ["", "{", "null", '{"v":1}', "\u0000"]) server.links[0]!.send(junk);
    server.move("b");
    await pass();
    expect(server.now.name).toBe("live");
    expect(server.page).toMatchObject({ b: 11 });
  });
});

describe("Live, where not every way is open", () => {
  const rung = (server: Server) => server.posts.filter((p) => p.type === "connection").at(-1)!.ladder.rung;

  it.each([
    { blocked: ["websocket"], rung: "stream" },
    { blocked: ["websocket", "stream"], rung: "poll" },
  ] as const)("goes down to what gets through: $rung", async ({ blocked, rung: found }) => {
    const { server } = await started((s) => (s.blocked = [...blocked]));
    await pass(10_000);
    expect(server.now.name).toBe("live");
    expect(rung(server)).toBe(found);
    server.move("b");
    await pass();
    expect(server.page["b"]).toBe(11);
  });

  it("stays where it is while the server is away", async () => {
    const { server } = await started((s) => {
      s.mqtt = "down";
      s.up = false;
    });
    await pass(120_000);
    expect(new Set(server.rungs)).toEqual(new Set(["websocket"]));
    expect(server.now.name).toBe("reconnecting");
  });

  it("stays where it is when the token is what is refused", async () => {
    const { server } = await started((s) => (s.mqtt = "refuses"));
    await pass(60_000);
    expect(new Set(server.rungs)).toEqual(new Set(["websocket"]));
  });

  it("tries the best way again while the other goes on, and changes over without a hole", async () => {
    const { server } = await started((s) => (s.blocked = ["websocket"]));
    await pass(10_000);
    server.blocked = [];
    server.move("b");
    await pass(5 * 60_000);
    expect(rung(server)).toBe("websocket");
    expect(server.listening).toHaveLength(1);
    expect(server.posts.filter((p) => p.type === "connection").slice(-2).map((p) => p.connection.name)).toEqual(["live", "live"]);
    server.move("c");
    await pass();
    expect(server.page).toMatchObject({ b: 11, c: 12 });
  });

  it("keeps to the other way while the best is still shut, and asks at once when told to", async () => {
    const { server, live } = await started((s) => (s.blocked = ["websocket"]));
    await pass(20 * 60_000);
    expect(server.now.name).toBe("live");
    expect(rung(server)).toBe("stream");
    server.blocked = [];
    live.retryNow();
    await pass();
    expect(rung(server)).toBe("websocket");
  });

  it("begins with the best on another network", async () => {
    const { server, live } = await started((s) => (s.blocked = ["websocket"]));
    await pass(10_000);
    server.blocked = [];
    live.network(false);
    live.network(true);
    await pass();
    expect(rung(server)).toBe("websocket");
    expect(server.now.name).toBe("live");
  });
});

describe("Session", () => {
  it("shares one fetch, and renews at 80 % of the token's life", async () => {
    let fetched = 0;
    const session = new Session(async () => ({ token: `t${++fetched}`, expiresAt: Date.now() + 1000, identity: {} as Access["identity"] }));
    const [a, b] = await Promise.all([session.access(), session.access()]);
    expect([a.token, b.token]).toEqual(["t1", "t1"]);
    vi.setSystemTime(NOW + 799);
    expect((await session.access()).token).toBe("t1");
    vi.setSystemTime(NOW + 800);
    expect((await session.access()).token).toBe("t2");
    session.invalidate();
    expect((await session.access()).token).toBe("t3");
  });
  it("reads the life of a token from the token, by the server's clock alone", () => {
    const claims = btoa(JSON.stringify({ iat: 1000, exp: 1600 })).replaceAll("=", "");
    const access = readAccess({ token: `x.${claims}.y`, email: "a@b", company: "acme", company_name: "Acme", role: "viewer" }, NOW);
    expect(access).toMatchObject({ expiresAt: NOW + 600_000, identity: { subject: "a@b", company: "acme", companyName: "Acme" } });
    expect(readAccess({ token: "opaque" }, NOW)?.expiresAt).toBe(NOW + 900_000);
    expect(readAccess({}, NOW)).toBeNull();
  });
});
