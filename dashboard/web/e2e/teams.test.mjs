// Teams beside the map: which one is shown, headings in the list, search, and what changes while the page is open.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { app, barriers, launch, logIn, openPage } from "./browser.mjs";
import { Phone } from "./phone.mjs";
import { Server, eventually } from "./server.mjs";

const [email, password] = ["asha@acme.example", "a long enough password"];
const PATIENCE_MS = 30_000;
let server, browser, page, context, complaints;
const phones = [];

before(async () => {
  server = await Server.start();
  const credentials = await server.company("acme", email, password, 6);
  for (const [i, c] of credentials.entries()) {
    phones.push(await Phone.connect(`mqtt://${server.mqtt}`, c));
    await phones[i].send(12.97 + i / 100, 77.59, { vel: i === 0 ? 18 : 0 });
  }
  browser = await launch();
  ({ page, context, complaints } = await openPage(browser, server.url, { viewport: { width: 1280, height: 800 } }));
  page.setDefaultTimeout(PATIENCE_MS);
  await logIn(page, email, password);
});

after(async () => {
  await Promise.allSettled(phones.map((p) => p.end()));
  await browser?.close();
  await server?.close();
});

const rows = () => page.locator("#people [role=option]").evaluateAll((all) => all.map((row) => row.dataset.employee).sort().join(" "));
const listed = (want) => eventually(`the list has ${want}`, async () => (await rows()) === want, PATIENCE_MS);
const drawn = (n) => eventually(`the map has ${n}`, async () => (await app(page)).markersDrawn === n, PATIENCE_MS);
const select = () => page.getByRole("combobox", { name: "Team" });
const team = (name) => page.getByRole("group", { name });

test("without teams nothing is said of them", { timeout: 90_000 }, async () => {
  await listed("p1 p2 p3 p4 p5 p6");
  await drawn(6);
  assert.equal(await select().count(), 0);
  assert.equal(await page.getByRole("button", { name: "Group by team" }).count(), 0);
  assert.equal(await page.getByRole("searchbox").getAttribute("placeholder"), "Search name or ID");
});

test("teams that come to be show in the page that is open", { timeout: 90_000 }, async () => {
  await server.cli(["employee", "set", "acme", "p1", "p2", "p3", "--team", "North"]);
  await server.cli(["employee", "set", "acme", "p4", "p5", "--team", "Équipe Sud"]);
  await eventually("all are offered", async () => (await select().count()) === 1 &&
    (await select().locator("option").allTextContents()).join("|") === "All teams|Équipe Sud (2)|North (3)|No team (1)", PATIENCE_MS);
  await page.locator("[data-employee=p1]").getByText("North").waitFor();
  assert.deepEqual(await barriers(page), []);
});

test("one team is listed, counted and drawn alone, and the address says so", { timeout: 90_000 }, async () => {
  await select().selectOption({ label: "North (3)" });
  await listed("p1 p2 p3");
  await drawn(3);
  await page.locator("[data-filter=all]").getByText("3").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("team"), "north");
  await page.locator("[data-filter=moving]").click();
  await listed("p1");
  await drawn(1);
  await page.reload();
  await listed("p1");
  assert.equal(await select().inputValue(), "=north");
  await page.locator("[data-filter=all]").click();
  await select().selectOption({ label: "No team (1)" });
  await listed("p6");
  await page.locator("[data-filter=late]").click();
  await page.getByText("Nobody without a team is “Late” at the moment.").waitFor();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await listed("p1 p2 p3 p4 p5 p6");
  assert.equal(new URL(page.url()).searchParams.has("team"), false);
});

test("search finds teams, without their accents", { timeout: 90_000 }, async () => {
  await page.getByRole("searchbox", { name: "Search people by name, ID or team" }).fill("equipe");
  await listed("p4 p5");
  await page.getByRole("button", { name: "Clear search" }).click();
});

test("the list has a heading for each team, by keyboard as by mouse, and remembers it", { timeout: 90_000 }, async () => {
  const toggle = page.getByRole("button", { name: "Group by team" });
  await toggle.focus();
  await page.keyboard.press("Enter");
  for (const name of ["Équipe Sud, 2", "North, 3", "No team, 1"]) await team(name).waitFor();
  assert.deepEqual(await team("North, 3").getByRole("option").evaluateAll((all) => all.map((r) => r.dataset.employee)), ["p1", "p2", "p3"]);
  assert.equal(await team("North, 3").getByRole("option").first().getByText("North").count(), 0, "the heading has said it");
  assert.deepEqual(await barriers(page), []);

  await page.locator("#people").focus();
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowDown"); // both of the first team, then the first of the next
  await page.keyboard.press("Enter");
  await eventually("p1 is selected", async () => (await app(page)).selected === "p1", PATIENCE_MS);
  await page.getByTestId("card").getByTestId("team").getByText("North").waitFor();
  await page.keyboard.press("Escape");
  await page.reload();
  await team("North, 3").waitFor();
});

test("who changes the team changes the heading, and a team that nobody is in any more is gone", { timeout: 90_000 }, async () => {
  await server.cli(["employee", "set", "acme", "p4", "p5", "--team", "north"]);
  await team("North, 5").waitFor();
  await team("Équipe Sud, 2").waitFor({ state: "detached" });
  await phones[4].send(13.1, 77.6); // live frames do not tell teams, and take none away
  await eventually("p5 has moved", async () => Math.abs((await page.evaluate(() => window.__app.position("p5").lat)) - 13.1) < 1e-6, PATIENCE_MS);
  await team("North, 5").waitFor();
});

test("on a phone there are no barriers, either", { timeout: 90_000 }, async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await team("North, 5").waitFor();
  assert.deepEqual(await barriers(page), []);
  const [bar, sheet] = await Promise.all([page.locator(".team-bar").boundingBox(), page.locator(".sheet").boundingBox()]);
  assert.ok(bar.x >= sheet.x && bar.x + bar.width <= sheet.x + sheet.width, "the bar fits");
  await page.getByRole("button", { name: "Group by team" }).click();
  await team("North, 5").waitFor({ state: "detached" });
  assert.deepEqual(complaints.filter((c) => !c.includes("401")), []);
  await context.close();
});
