// Measures the live page with thousands of people against the real binary: phones by MQTT, a browser that is logged
// in. Call it by scripts/bench-web, which says what its options are.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { parseArgs } from "node:util";
import { app, launch, logIn, openPage } from "./browser.mjs";
import { Crowd, publishOnce, town } from "./crowd.mjs";
import { Server, eventually } from "./server.mjs";

const { values: options } = parseArgs({
  options: {
    people: { type: "string", default: "1000,10000,50000" },
    minutes: { type: "string", default: "1" },
    updates: { type: "string", default: "20" },
    out: { type: "string", default: "" },
  },
});
const sizes = options.people.split(",").map(Number);
const minutes = Number(options.minutes);
const email = "asha@acme.example";
const password = "a long enough password";
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const quantile = (list, q) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * q))];
const ms = (n) => (n < 10 ? n.toFixed(1) : Math.round(n).toString());

/** The time that the page's main thread has spent in tasks, in ms, and the bytes of its heap. */
async function spent(cdp) {
  const { metrics } = await cdp.send("Performance.getMetrics");
  const of = (name) => metrics.find((m) => m.name === name).value;
  return { tasks: of("TaskDuration") * 1000, heap: of("JSHeapUsedSize") };
}

async function heapMB(cdp) {
  for (let i = 0; i < 3; i++) await cdp.send("HeapProfiler.collectGarbage");
  return (await spent(cdp)).heap / 2 ** 20;
}

/** One answer of positions: the server's share. */
async function answerMs(server, token) {
  const took = [];
  let bytes = 0;
  for (let i = 0; i < 5; i++) {
    const begun = performance.now();
    const response = await fetch(`${server.url}api/v1/companies/acme/positions`, { headers: { authorization: `Bearer ${token}` } });
    bytes = (await response.arrayBuffer()).byteLength;
    took.push(performance.now() - begun);
  }
  return { took: quantile(took, 0.5), bytes };
}

const drawnAll = (page, people) => page.waitForFunction((n) => window.__app?.markersDrawn === n, people, { polling: 20, timeout: 180_000 });

/** The newest change that the server has, which the page must have got for a round to be over. */
async function settled(server, token, page) {
  const { seq } = await server.get(`companies/acme/positions?after=${(await app(page)).seq}`, token);
  await eventually("the page has every change", async () => (await app(page)).seq >= seq, 120_000);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 400))));
}

async function measure(people) {
  const server = await Server.start();
  const browser = await launch();
  try {
    const phones = await server.company("acme", email, password, people);
    const place = (i, round) => {
      const [lat, lon] = town(i);
      return [lat + round * 0.0002, lon, { cog: (i * 37) % 360, vel: i % 3 ? 20 : 0 }];
    };
    await publishOnce(server.mqtt, phones, (i) => place(i, 0));
    const token = await server.token("acme", "viewer");
    await eventually("everybody has a position", async () => (await server.get("companies/acme/positions", token)).positions.length === people, 60_000);
    const answer = await answerMs(server, token);

    const { page, context, complaints } = await openPage(browser, server.url, { viewport: { width: 1280, height: 800 } });
    await logIn(page, email, password);
    await drawnAll(page, people);
    const first = [];
    for (let i = 0; i < 3; i++) {
      const begun = performance.now();
      await page.reload({ waitUntil: "commit" });
      await drawnAll(page, people);
      first.push(performance.now() - begun);
    }
    const cdp = await context.newCDPSession(page);
    await cdp.send("Performance.enable");
    const tenth = people / 10;
    const crowd = await Crowd.connect(server.mqtt, phones.slice(0, tenth));
    await settled(server, token, page);

    const idleFrom = await spent(cdp);
    await sleep(5_000);
    const idlePerMs = ((await spent(cdp)).tasks - idleFrom.tasks) / 5_000;
    const updates = [];
    let round = 0;
    const update = async () => {
      round++;
      await crowd.send((i) => place(i, round));
      await settled(server, token, page);
    };
    await update();
    for (let i = 0; i < Number(options.updates); i++) {
      const [before, begun] = [await spent(cdp), performance.now()];
      const batches = await page.evaluate(() => window.__app.batches);
      await update();
      const tasks = (await spent(cdp)).tasks - before.tasks - idlePerMs * (performance.now() - begun);
      const came = (await page.evaluate(() => window.__app.batches)) - batches;
      updates.push({ total: Math.max(0, tasks), each: Math.max(0, tasks) / Math.max(1, came), batches: came });
    }

    const heapFrom = await heapMB(cdp);
    const until = performance.now() + minutes * 60_000;
    let halfway = 0;
    while (performance.now() < until) {
      await update();
      if (!halfway && performance.now() > until - minutes * 30_000) halfway = await heapMB(cdp);
    }
    const heapTo = await heapMB(cdp);
    crowd.close();
    if (complaints.some((c) => !c.includes("401"))) throw new Error(complaints.join("\n"));
    const { crowd: drawn } = await page.evaluate(() => ({ crowd: window.__app.crowd }));
    return {
      people, mode: drawn.mode, answer, first: quantile(first, 0.5), idle: idlePerMs * 1000,
      total: [quantile(updates.map((u) => u.total), 0.5), quantile(updates.map((u) => u.total), 0.95)],
      each: [quantile(updates.map((u) => u.each), 0.5), quantile(updates.map((u) => u.each), 0.95)],
      batches: quantile(updates.map((u) => u.batches), 0.5), heap: [heapFrom, halfway, heapTo], rounds: round,
    };
  } finally {
    await browser.close();
    await server.close();
  }
}

function machine() {
  const cpus = os.cpus();
  const version = execFileSync(process.env.CHROMIUM || "/usr/bin/chromium", ["--version"], { stdio: ["ignore", "pipe", "ignore"] }).toString().trim();
  return `${cpus[0].model.trim()}, ${cpus.length} cores, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()}; ${version.replace(/ built on.*/, "")}, software WebGL (no graphics card), 1280 × 800`;
}

const load = () => os.loadavg().map((l) => l.toFixed(1)).join(" ");
const loadBefore = load();
const results = [];
for (const people of sizes) {
  results.push(await measure(people));
  console.error(JSON.stringify(results.at(-1)));
}

const head = ["people", "drawn as", "positions: answer", "size", "navigation to first markers", "main thread, 10 % moved: median", "p95", "of it a batch", "batches", "idle, ms/s", "heap before", "half-way", "after"];
const rows = results.map((r) => [
  r.people.toLocaleString("en"), r.mode, `${ms(r.answer.took)} ms`, `${(r.answer.bytes / 1e6).toFixed(1)} MB`, `${ms(r.first)} ms`, `${ms(r.total[0])} ms`,
  `${ms(r.total[1])} ms`, `${ms(r.each[0])} / ${ms(r.each[1])} ms`, String(r.batches), ms(r.idle), ...r.heap.map((h) => `${h.toFixed(1)} MB`),
]);
const table = [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
const about = `Measured ${new Date().toISOString().slice(0, 10)} on ${machine()}. Load average (1, 5, 15 min) before: ${loadBefore}, after: ${load()}; server, phones and browser share the machine.
${options.updates} updates each, then ${minutes} min of updates without a pause (${results.map((r) => `${r.rounds} rounds`).join(", ")}).`;
console.log(`\n${about}\n\n${table}`);
if (options.out) {
  const marker = "<!-- measured -->";
  const [intro] = readFileSync(options.out, "utf8").split(marker);
  writeFileSync(options.out, `${intro}${marker}\n\n${about}\n\n${table}\n`);
}
