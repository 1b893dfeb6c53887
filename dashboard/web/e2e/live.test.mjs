// The manager's page against the real binary, with real phones by MQTT, in a real browser. One story: each test
// begins where the one before has ended.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { app, barriers, launch, logIn, openPage } from "./browser.mjs";
import { Door } from "./door.mjs";
import { Phone } from "./phone.mjs";
import { Server, eventually } from "./server.mjs";

const email = "asha@acme.example";
const password = "a long enough password";
const [lat, lon] = [12.97, 77.59];

let server, door, browser, page, complaints;
const phones = []; // of acme: p1 to p5; p6 never reports
const others = []; // of another company: its p1, and p7, whose id acme does not have

before(async () => {
  server = await Server.start();
  const acme = await server.company("acme", email, password, 6);
  const other = await server.company("other", "omar@other.example", password, 7);
  for (const [i, credentials] of acme.slice(0, 5).entries()) {
    // One of them, as some networks want it, by WebSocket.
    const url = i === 4 ? `ws://${server.http}/mqtt` : `mqtt://${server.mqtt}`;
    phones.push(await Phone.connect(url, credentials));
    await phones[i].send(lat + i / 100, lon + i / 100);
  }
  for (const credentials of [other[0], other[6]]) others.push(await Phone.connect(`mqtt://${server.mqtt}`, credentials));
  await sendOthers(0);
  door = await Door.to(server.http);
  browser = await launch();
  ({ page, complaints } = await openPage(browser, door.url));
});

after(async () => {
  await Promise.allSettled([...phones, ...others].map((p) => p.end()));
  await browser?.close();
  await door?.shut();
  await server?.close();
});

/** A part of the story; what the browser complains of meanwhile must be expected. */
function part(name, play, expected = []) {
  test(name, { timeout: 60_000 }, async () => {
    await play();
    assert.deepEqual(complaints.splice(0).filter((c) => !expected.some((e) => c.includes(e))), []);
  });
}

const at = (employee) => page.evaluate((e) => window.__app.position(e), employee);
const isAt = async (employee, place) => Math.abs(((await at(employee))?.lat ?? 0) - place) < 1e-6;
const rows = () => page.locator("#people [role=option]");
const listed = (n) => eventually(`the list has ${n}`, async () => (await rows().count()) === n);
const drawn = (n) => eventually(`the map has ${n}`, async () => (await app(page)).markersDrawn === n);
const live = (withinMs) => eventually("the page is live", async () => (await app(page)).connection === "live", withinMs);
const badge = () => page.getByTestId("connection");
const dotColour = () => badge().locator(".badge-dot").evaluate((dot) => getComputedStyle(dot).backgroundColor);
const sendOthers = (by) => Promise.all([others[0].send(48.2 + by, 16.4), others[1].send(lat + by, lon)]);

part("the login screen has no barriers", async () => {
  await page.locator("input[name=email]").waitFor();
  assert.deepEqual(await barriers(page), []);
}, ["401"]);

part("by keyboard, a wrong password is refused and the right one lets in", async () => {
  await logIn(page, email, "not the password");
  await page.getByRole("alert").getByText("E-mail address or password is wrong.").waitFor();
  assert.equal((await app(page)).people, 0);
  await page.locator("input[name=password]:focus").waitFor(); // ready for another try
  await page.keyboard.type(password);
  await page.keyboard.press("Enter");
  await live();
}, ["401"]);

part("map and list show the same people", async () => {
  await drawn(5);
  await listed(6); // p6 has no position, but is one of them
  const ids = await rows().evaluateAll((all) => all.map((row) => row.dataset.employee));
  assert.deepEqual(ids.sort(), ["p1", "p2", "p3", "p4", "p5", "p6"]);
  for (const [i, id] of ["p1", "p2", "p3", "p4", "p5"].entries()) {
    const { lat: shown, state, presence, pixel } = await at(id);
    assert.ok(Math.abs(shown - (lat + i / 100)) < 1e-6, `${id} is at ${shown}`);
    assert.deepEqual([state, presence], ["live", "online"], id);
    assert.ok(pixel.x > 0 && pixel.x < 800 && pixel.y > 0 && pixel.y < 600, `${id} is out of view: ${JSON.stringify(pixel)}`);
  }
});

part("a person who moves, moves on the page within 2 s", async () => {
  const { pixel: from } = await at("p1");
  const begun = Date.now();
  await phones[0].send(lat + 0.02, lon);
  await eventually("p1 has moved", async () => (await isAt("p1", lat + 0.02)) && (await at("p1")).pixel.y < from.y - 1, 2000);
  console.log(`fix to page: ${Date.now() - begun} ms, acknowledgement included`);
});

part("another company's people never appear", async () => {
  await sendOthers(0.01);
  await phones[0].send(lat + 0.03, lon); // after theirs: when this has come, theirs would have
  await eventually("p1 has moved", () => isAt("p1", lat + 0.03));
  const theirs = await server.get("companies/other/positions", await server.token("other", "viewer"));
  assert.deepEqual(theirs.positions.map((p) => p.employee).sort(), ["p1", "p7"], "their own company sees them");
  assert.equal(await at("p7"), null);
  assert.equal((await app(page)).people, 6);
  await listed(6);
  await drawn(5);
});

part("search narrows list and map; selecting opens the card, Escape closes it", async () => {
  await page.keyboard.press("/");
  await page.keyboard.type("p3");
  await listed(1);
  await drawn(1);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  const card = page.getByTestId("card");
  await card.waitFor();
  const text = await card.innerText();
  for (const fact of [/Speed\s+18 km\/h/, /Battery\s+64 %/, /Accuracy\s+± 7 m/]) assert.match(text, fact);
  assert.equal((await app(page)).selected, "p3");
  assert.match(page.url(), /p3/);
  await page.keyboard.press("Escape"); // clears the search,
  await listed(6);
  await page.keyboard.press("Escape"); // leaves the field,
  await page.keyboard.press("Escape"); // closes the card
  await card.waitFor({ state: "detached" });
  assert.equal((await app(page)).selected, null);
});

part("the counters count, and filter list and map", async () => {
  const counter = (name) => page.locator(`[data-filter=${name}]`);
  const counts = async () => Promise.all(["all", "moving", "idle", "never"].map((name) => counter(name).locator(".counter-n").innerText()));
  assert.deepEqual(await counts(), ["6", "5", "0", "1"]);
  await counter("never").click();
  await listed(1);
  await drawn(0);
  assert.equal(await rows().getAttribute("data-employee"), "p6");
  assert.deepEqual(await counts(), ["6", "5", "0", "1"]);
  await counter("moving").click();
  await listed(5);
  await drawn(5);
  assert.match(page.url(), /f=moving/);
  await counter("all").click();
  await listed(6);
});

part("the live screen with a card has no barriers", async () => {
  await rows().first().click();
  await page.getByTestId("card").waitFor();
  assert.deepEqual(await barriers(page), []);
});

part("the session survives a reload", async () => {
  await page.reload();
  await live();
  await drawn(5);
});

part("who is selected has a way and a day, also from before the page was opened", async () => {
  for (let i = 0; i < 3; i++) await phones[4].send(lat + 0.05 + i / 1000, lon + 0.05);
  await page.reload();
  await live();
  await drawn(5);
  await page.locator("#people [role=option]", { hasText: "p5" }).click();
  await eventually("the way of before is there", () => page.evaluate(() => window.__app.trail("p5") >= 3), 10_000);
  await page.getByTestId("card").getByText("Today").waitFor();
  await page.getByTestId("card").getByText(/\d+ (m|km) · \d+ stops?/).waitFor();
  await page.keyboard.press("Escape");
});

part("the server is killed: the page says so, recovers by itself, and shows what it missed", async () => {
  const { seq } = await app(page);
  const green = await dotColour();
  await door.shut();
  await server.kill();
  await eventually("the page does not claim to be live", async () => (await app(page)).connection !== "live");
  await badge().getByText("Reconnecting").waitFor();
  assert.notEqual(await dotColour(), green);
  await page.getByText(/Connection lost .* ago/).waitFor(); // after 3 s, so that a short loss does not flicker
  assert.doesNotMatch(await rows().locator("b").first().innerText(), /^(Idle|Moving)$/);

  await server.up();
  await phones[1].send(lat + 0.07, lon + 0.07);
  assert.equal((await app(page)).connection, "reconnecting");
  assert.ok(await isAt("p2", lat + 0.01), "the page knows what it cannot know");
  await door.open();
  await live(40_000);
  await badge().getByText(/^Live$/).waitFor();
  assert.equal(await dotColour(), green);
  await eventually("it shows what it missed", () => isAt("p2", lat + 0.07), 5000);
  await page.getByText(/Connection lost/).waitFor({ state: "detached" });
  await phones[2].send(lat - 0.03, lon);
  await eventually("and what comes now", () => isAt("p3", lat - 0.03), 5000);
  assert.ok((await app(page)).seq > seq);
  await drawn(5);
}, ["net::ERR_CONNECTION_", "net::ERR_EMPTY_RESPONSE", "WebSocket connection to 'ws://127.0.0.1"]);

part("settings change how things are written, and are remembered", async () => {
  const card = page.getByTestId("card");
  await page.locator("#people [role=option]").first().click();
  await card.getByText(/km\/h/).first().waitFor();
  await page.keyboard.press("?");
  const settings = page.getByRole("dialog", { name: "Settings" });
  await settings.waitFor();
  assert.deepEqual(await barriers(page), []);
  await settings.getByLabel("Miles").check();
  await settings.getByLabel("24 hours").check();
  await settings.getByLabel("Time zone").selectOption("Asia/Kolkata");
  await settings.getByLabel("Dark").check();
  await settings.getByLabel("Single keys do something").uncheck();
  await page.keyboard.press("Escape");
  await settings.waitFor({ state: "detached" });
  assert.equal(await card.count(), 1, "the key that closes the settings closes nothing else");
  await card.getByText(/mph/).first().waitFor();
  await card.getByText(/IST/).first().waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await page.keyboard.press("?");
  await page.keyboard.press("/");
  assert.equal(await settings.count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement?.tagName === "INPUT"), false);

  await page.reload();
  await live();
  await card.getByText(/mph/).first().waitFor();
  await page.getByRole("button", { name: /^Account/ }).click();
  await page.getByRole("menuitem", { name: "Settings" }).click();
  for (const name of ["Miles", "24 hours", "Dark"]) assert.ok(await settings.getByLabel(name).isChecked(), name);
  await settings.getByLabel("Kilometres").check();
  await settings.getByLabel("As the system").check();
  await settings.getByRole("button", { name: "Close settings" }).click();
  await card.getByText(/km\/h/).first().waitFor();
});

part("logging out ends it", async () => {
  await page.getByRole("button", { name: /^Account/ }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await page.locator("input[name=email]").waitFor();
  await page.reload();
  await page.locator("input[name=email]").waitFor();
  assert.equal((await app(page)).people, 0);
}, ["401"]);
