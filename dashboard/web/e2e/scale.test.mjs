// The map with thousands of people, and how they move on it: the real binary, phones by MQTT, a real browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { app, launch, logIn, openPage } from "./browser.mjs";
import { Crowd, publishOnce, town } from "./crowd.mjs";
import { Server, eventually } from "./server.mjs";

const email = "asha@acme.example";
const password = "a long enough password";
const people = 6000;
const home = { p1: [20, 91], p5: [16, 91] }; // alone, so that a click can only mean them

let server, browser, page, context, complaints, walker;
let [lat, lon] = home.p1;
let clock = Date.now() / 1000 - 600;

before(async () => {
  server = await Server.start();
  const phones = await server.company("acme", email, password, people);
  await publishOnce(server.mqtt, phones, (i) => [...(home[`p${i + 1}`] ?? town(i)), { tst: clock, vel: i % 3 ? 20 : 0, cog: i % 360 }]);
  walker = await Crowd.connect(server.mqtt, phones.slice(0, 1));
  browser = await launch();
  ({ page, context, complaints } = await openPage(browser, server.url, { reducedMotion: "no-preference" }));
  await logIn(page, email, password);
});

after(async () => {
  walker?.close();
  await browser?.close();
  await server?.close();
});

function part(name, play) {
  test(name, { timeout: 90_000 }, async () => {
    await play();
    assert.deepEqual(complaints.splice(0).filter((c) => !c.includes("401")), []);
  });
}

const crowd = () => page.evaluate(() => window.__app.crowd);
const drawn = (n) => eventually(`the map has ${n}`, async () => (await app(page)).markersDrawn === n);
const mode = (want) => eventually(`people are ${want}`, async () => (await crowd()).mode === want);
const pixel = (id) => page.evaluate((e) => window.__app.position(e).pixel, id);
const box = () => page.locator(".map").boundingBox();

/** Points where somebody is until the pointer says that they are there, and clicks. */
async function clickOn(id) {
  const { x, y } = await box();
  let at = null;
  await eventually(`the pointer shows that ${id} is there`, async () => {
    const before = at;
    at = await pixel(id);
    await page.mouse.move(x + at.x + 1, y + at.y);
    await page.mouse.move(x + at.x, y + at.y);
    const rests = before !== null && before.x === at.x && before.y === at.y;
    return rests && page.locator(".maplibregl-canvas").evaluate((c) => c.style.cursor === "pointer");
  });
  await page.mouse.click(x + at.x, y + at.y);
  await eventually(`${id} is selected`, async () => (await app(page)).selected === id);
  await page.getByTestId("card").waitFor();
}

async function search(words) {
  await page.getByRole("searchbox").fill(words);
}

const fitAll = () => page.getByRole("button", { name: "Show everybody" }).click();

/** The walker goes on; returns where they were drawn, frame by frame, until they are there. */
async function go(on, byLat) {
  const from = lat;
  lat += byLat;
  clock += 10;
  const watched = on.evaluate((want) => new Promise((resolve) => {
    const seen = [];
    const look = () => {
      const at = window.__app.drawnAt("p1")?.[1];
      if (at !== undefined && at !== seen.at(-1)) seen.push(at);
      if (Math.abs(at - want) < 1e-9 && window.__app.crowd.gliding === 0) resolve(seen);
      else requestAnimationFrame(look);
    };
    look();
  }), lat);
  await walker.send(() => [lat, lon, { tst: clock }]);
  return { from, to: lat, seen: await watched };
}

part("six thousand are dots, and the list has only the rows in view", async () => {
  await drawn(people);
  assert.equal((await crowd()).mode, "dots");
  assert.ok((await page.locator("#people [role=option]").count()) < 40);
  assert.match(await page.locator("[data-filter=all]").innerText(), /6,000/);
});

part("a click on a dot selects, another place selects nobody", async () => {
  await clickOn("p1");
  assert.match(page.url(), /p=p1(&|$)/);
  await page.keyboard.press("Escape");
  await page.getByTestId("card").waitFor({ state: "detached" });
  assert.equal((await app(page)).selected, null);
});

part("a filter that leaves fewer makes clusters of them; there, a click selects as well", async () => {
  await search("p5");
  await mode("clusters");
  await drawn(1111);
  await fitAll();
  await clickOn("p5");
  await page.keyboard.press("Escape");
  await search("");
  await mode("dots");
  await drawn(people);
});

part("counters, search and address agree", async () => {
  const counter = (name) => page.locator(`[data-filter=${name}]`);
  const counts = await Promise.all(["all", "moving", "idle", "late", "offline"].map(async (n) => Number((await counter(n).locator(".counter-n").innerText()).replace(",", ""))));
  assert.equal(counts.slice(1).reduce((a, b) => a + b), counts[0]);
  await counter("late").click();
  await search("p59");
  const listed = Number((await page.locator(".list-head span").first().innerText()).match(/[\d,]+/)[0].replace(",", ""));
  await drawn(listed);
  const address = new URL(page.url());
  assert.deepEqual([address.searchParams.get("f"), address.searchParams.get("q")], ["late", "p59"]);
  await page.reload();
  await drawn(listed);
  assert.equal(await counter("late").getAttribute("aria-pressed"), "true");
  await counter("all").click();
  await search("");
  await drawn(people);
});

part("the keyboard selects among all of them", async () => {
  await page.keyboard.press("Escape"); // out of the search
  await page.keyboard.press("/");
  await page.keyboard.type("p4321");
  await drawn(1);
  await page.keyboard.press("Enter");
  await eventually("p4321 is selected", async () => (await app(page)).selected === "p4321");
  await search("");
  await page.keyboard.press("Escape");
});

part("somebody who walks glides to the fix, on the way and not beyond it", async () => {
  await page.goto(`${server.url}?at=${lat},${lon},16`);
  await drawn(people);
  const before = (await crowd()).begun;
  const { from, to, seen } = await go(page, 0.0005); // 55 m
  assert.ok(seen.length > 3, `drawn at ${seen.length} places`);
  assert.deepEqual(seen, [...seen].sort((a, b) => a - b), "always forward");
  assert.ok(seen.every((at) => at >= from - 1e-9 && at <= to + 1e-9), "never beyond");
  assert.equal((await crowd()).begun, before + 1);
});

part("who is selected glides, too", async () => {
  await clickOn("p1");
  const { seen } = await go(page, 0.0005);
  assert.ok(seen.length > 3, `drawn at ${seen.length} places`);
});

part("a step of more than 500 m is a jump", async () => {
  const { from, to, seen } = await go(page, 0.006);
  assert.deepEqual(seen.filter((at) => at > from + 1e-6 && at < to - 1e-6), []);
});

part("nothing glides for who wants no motion", async () => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  const before = (await crowd()).begun;
  const { from, to, seen } = await go(page, 0.0005);
  assert.deepEqual(seen.filter((at) => at > from + 1e-6 && at < to - 1e-6), []);
  assert.equal((await crowd()).begun, before);
});
