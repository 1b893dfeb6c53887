// The manager's page against the real binary, with real phones by MQTT, in a real browser.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { app, launch, logIn, openPage } from "./browser.mjs";
import { Phone } from "./phone.mjs";
import { Server, eventually } from "./server.mjs";

const email = "asha@acme.example";
const password = "a long enough password";
const [lat, lon] = [12.97, 77.59];

let server, browser, acme, other, opened;
const phones = [];

before(async () => {
  server = await Server.start();
  acme = await server.company("acme", email, password, 6);
  other = await server.company("other", "omar@other.example", password, 1);
  browser = await launch();
  for (const [i, credentials] of acme.slice(0, 5).entries()) {
    // One of them, as some networks want it, by WebSocket.
    const url = i === 4 ? `ws://${server.http}/mqtt` : `mqtt://${server.mqtt}`;
    phones.push(await Phone.connect(url, credentials));
    await phones[i].send(lat + i / 100, lon + i / 100);
  }
  phones.push(await Phone.connect(`mqtt://${server.mqtt}`, other[0]));
  await phones[5].send(48.2, 16.4);
  opened = await openPage(browser, server.url);
});

after(async () => {
  await Promise.allSettled(phones.map((p) => p.end()));
  await browser?.close();
  await server?.close();
});

const at = (employee) => opened.page.evaluate((e) => window.__app.position(e), employee);

test("a wrong password is refused, the right one lets in", async () => {
  const { page, complaints } = opened;
  await logIn(page, email, "not the password");
  await page.getByText("E-mail address or password is wrong.").waitFor();
  assert.deepEqual(complaints.splice(0).filter((c) => !c.includes("401")), []);
  await page.locator("input[name=password]").fill("");
  await logIn(page, email, password);
  await eventually("the page is live", async () => (await app(page)).connection === "live");
});

test("markers and list show the people of the own company, and nobody else", async () => {
  const { page } = opened;
  await eventually("five people have markers", async () => (await app(page)).markersDrawn === 5);
  await eventually("the list has all six", async () => (await page.locator("#people [role=option]").count()) === 6);
  assert.equal((await at("p1")).state, "live");
  assert.equal((await at("p1")).presence, "online");
  const names = await page.locator("#people .row-name").allTextContents();
  assert.ok(names.every((n) => n !== "other"), names.join());
  for (const p of ["p1", "p2", "p3", "p4", "p5"]) {
    const { lat: shown } = await at(p);
    assert.ok(Math.abs(shown - lat) < 1, `${p} is at ${shown}: another company's`);
  }
});

test("a person who moves, moves on the page", async () => {
  const begun = Date.now();
  await phones[0].send(lat + 0.5, lon);
  await eventually("p1 has moved", async () => Math.abs((await at("p1")).lat - (lat + 0.5)) < 1e-6, 5000);
  console.log(`fix to page: ${Date.now() - begun} ms, acknowledgement included`);
});

test("search and selection, by keyboard", async () => {
  const { page } = opened;
  await page.keyboard.press("/");
  await page.keyboard.type("p3");
  await eventually("one row is left", async () => (await page.locator("#people [role=option]").count()) === 1);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  const card = page.getByTestId("card");
  await card.waitFor();
  assert.match(await card.innerText(), /64 %/);
  assert.match(await card.innerText(), /18 km\/h/);
  assert.match(page.url(), /p3/);
  await page.keyboard.press("Escape"); // clears the search,
  await eventually("everybody is listed again", async () => (await page.locator("#people [role=option]").count()) === 6);
  await page.keyboard.press("Escape"); // leaves the field,
  await page.keyboard.press("Escape"); // closes the card
  await card.waitFor({ state: "detached" });
});

test("nothing that axe finds is in the way of anybody, in light and dark", async () => {
  const { page } = opened;
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.locator("#people [role=option]").first().click();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.evaluate(axe); // not by a script element, which the page's policy forbids
    const found = await page.evaluate(async () => {
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
      const { violations } = await window.axe.run(document, { runOnly: tags });
      return violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`);
    });
    assert.deepEqual(found, [], colorScheme);
  }
});

test("the session survives a reload", async () => {
  await opened.page.reload();
  await eventually("the page is live again", async () => (await app(opened.page)).connection === "live");
  await eventually("everybody is back", async () => (await app(opened.page)).markersDrawn === 5);
});

test("the server is killed and started again: the page says so, recovers, and shows what it missed", async () => {
  const { page, complaints } = opened;
  const known = (await app(page)).seq;
  await server.kill();
  await eventually("the page does not claim to be live", async () => (await app(page)).connection !== "live");
  assert.doesNotMatch(await page.getByTestId("connection").innerText(), /^Live$/);
  const missed = phones[1].send(lat + 0.7, lon + 0.7); // waits on the phone
  await server.up();
  await missed;
  await eventually("the page is live again by itself", async () => (await app(page)).connection === "live", 40_000);
  await eventually("it shows what it missed", async () => Math.abs((await at("p2")).lat - (lat + 0.7)) < 1e-6);
  await phones[2].send(lat - 0.3, lon);
  await eventually("and what comes now", async () => Math.abs((await at("p3")).lat - (lat - 0.3)) < 1e-6, 5000);
  assert.ok((await app(page)).seq > known);
  const unexpected = complaints.splice(0).filter((c) => !/ERR_CONNECTION|ERR_EMPTY|ERR_SOCKET|WebSocket connection|50[23]/.test(c));
  assert.deepEqual(unexpected, []);
});

test("logging out ends it", async () => {
  const { page, complaints } = opened;
  await page.getByRole("button", { name: /^Account/ }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await page.locator("input[name=email]").waitFor();
  await page.reload();
  await page.locator("input[name=email]").waitFor();
  assert.deepEqual(complaints.filter((c) => !c.includes("401")), []);
});
