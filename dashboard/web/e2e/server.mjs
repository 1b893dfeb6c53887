// The real server for tests in a browser: the binary, a data folder and ports of its own.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = path.dirname(fileURLToPath(import.meta.url));
const binary = path.resolve(process.env.FIELDCAST_BIN ?? path.join(here, "../../../bin/fieldcast"));
const run = promisify(execFile);

export class Server {
  #process = null;
  log = "";

  static async start(args = [], env = {}) {
    const s = new Server();
    s.data = await mkdtemp(path.join(tmpdir(), "fieldcast-web-"));
    [s.http, s.mqtt, s.metrics] = await Promise.all([freeAddr(), freeAddr(), freeAddr()]);
    s.args = args;
    s.env = { ...process.env, ...env };
    await s.up();
    return s;
  }

  get url() {
    return `http://${this.http}/`;
  }

  /** Starts it, again on the same ports and data, and waits until it is ready. */
  async up() {
    this.#process = spawn(binary, ["serve", "--data", this.data, "--http", this.http, "--mqtt", this.mqtt, "--metrics", this.metrics, ...this.args], { env: this.env });
    const collect = (chunk) => (this.log += chunk);
    this.#process.stdout.on("data", collect);
    this.#process.stderr.on("data", collect);
    await eventually("the server is ready", async () => {
      if (this.#process.exitCode !== null) throw new Error(`the server ended:\n${this.log}`);
      return (await fetch(`${this.url}readyz`).catch(() => null))?.ok;
    });
  }

  /** kill -9. */
  async kill() {
    if (!this.#process || this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }

  async close() {
    await this.kill();
    await rm(this.data, { recursive: true, force: true });
  }

  /** Runs a command on the installation; returns what it prints. */
  async cli(args, stdin = "") {
    const child = run(binary, [...args, "--data", this.data]);
    child.child.stdin.on("error", () => {}); // a command that asks for nothing may be gone before
    child.child.stdin.end(stdin);
    return (await child).stdout;
  }

  /** A token for a program, by the command line. */
  async token(company, role) {
    return (await this.cli(["token", company, "--role", role])).trim();
  }

  /** The JSON at a path below /api/v1. */
  async get(path, token) {
    const response = await fetch(`${this.url}api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status}`);
    return response.json();
  }

  /** A company with a manager and phones p1…pn; returns the phones' credentials. */
  async company(id, email, password, phones) {
    await this.cli(["company", "add", id, "--name", `${id} Ltd`]);
    await this.cli(["user", "add", id, email, "--role", "manager", "--password-stdin"], password);
    const file = path.join(this.data, `${id}.csv`);
    await this.cli(["employee", "add", id, "--count", String(phones), "--prefix", "p", "--out", file]);
    const [, ...lines] = (await readFile(file, "utf8")).trim().split("\n");
    return lines.map((line) => {
      const [employee, username, secret, clientId] = line.split(",");
      return { company: id, employee, username, password: secret, clientId };
    });
  }
}

/** Waits for a condition. */
export async function eventually(what, condition, withinMs = 20_000) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    if (await condition()) return;
    if (Date.now() > deadline) throw new Error(`after ${withinMs} ms it was still not so that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function freeAddr() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return `127.0.0.1:${port}`;
}
