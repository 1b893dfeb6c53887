// What axe has against each screen, in light and dark, wide and as on a phone; and that the keyboard is enough.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { app, barriers, launch, logIn, openPage } from "./browser.mjs";
import { Phone } from "./phone.mjs";
import { Server, eventually } from "./server.mjs";

const [email, password] = ["asha@acme.example", "a long enough password"];
const SIZES = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

let server, browser, phone;

before(async () => {
  server = await Server.start();
  const [credentials] = await server.company("acme", email, password, 3);
  phone = await Phone.connect(`mqtt://${server.mqtt}`, credentials);
  await phone.send(12.97, 77.59);
  browser = await launch();
});

after(async () => {
  await phone?.end();
  await browser?.close();
  await server?.close();
});

/** A screen: how to come to it from the live view, and how to leave it. A new screen is one line. */
const SCREENS = {
  live: [async () => {}, async () => {}],
  card: [(page) => page.locator("[data-employee=p1]").click(), (page) => page.getByRole("button", { name: "Close details" }).click()],
  "card of who never reported": [(page) => page.locator("[data-employee=p2]").click(), (page) => page.getByRole("button", { name: "Close details" }).click()],
  menu: [(page) => page.getByRole("button", { name: /^Account/ }).click(), (page) => page.keyboard.press("Escape")],
  connection: [(page) => page.getByTestId("connection").click(), (page) => page.keyboard.press("Escape")],
  palette: [(page) => page.keyboard.press("Control+k"), (page) => page.keyboard.press("Escape")],
  "palette without an answer": [
    async (page) => {
      await page.keyboard.press("Control+k");
      await page.getByTestId("palette").getByRole("combobox").fill("zzz");
    },
    (page) => page.keyboard.press("Escape"),
  ],
  settings: [(page) => page.keyboard.press("?"), (page) => page.keyboard.press("Escape")],
  "nobody matches": [(page) => page.getByRole("searchbox").fill("zzz"), (page) => page.getByRole("button", { name: "Clear filters" }).click()],
};

async function enter(viewport) {
  const opened = await openPage(browser, server.url, { viewport });
  await opened.page.locator("input[name=email]").waitFor();
  const login = await barriers(opened.page);
  await logIn(opened.page, email, password);
  await eventually("the map has p1", async () => (await app(opened.page)).markersDrawn === 1);
  return { ...opened, login };
}

for (const [size, viewport] of Object.entries(SIZES)) {
  test(`no screen has barriers, ${size}`, { timeout: 120_000 }, async () => {
    const { page, context, login } = await enter(viewport);
    assert.deepEqual(login, [], "login");
    for (const [name, [open, close]] of Object.entries(SCREENS)) {
      await open(page);
      assert.deepEqual(await barriers(page), [], name);
      await close(page);
    }
    await context.setOffline(true);
    await eventually("the page has noticed", async () => (await app(page)).connection === "offline");
    await page.getByText(/no network since/).waitFor();
    assert.deepEqual(await barriers(page), [], "banner");
    await context.close();
  });
}

test("the keyboard is enough, and its focus is never lost", { timeout: 60_000 }, async () => {
  const { page, context } = await enter(SIZES.wide);
  const focus = () => page.evaluate(() => {
    const { id, className, tagName } = document.activeElement ?? {};
    const ring = document.activeElement?.matches(":focus-visible") ?? false;
    return { what: document.activeElement?.getAttribute("aria-label") ?? id ?? className, tag: tagName, ring };
  });
  await page.keyboard.press("/");
  await page.keyboard.type("p1");
  await eventually("p1 is listed alone", async () => (await page.locator("#people [role=option]").count()) === 1);
  await page.keyboard.press("Enter");
  const card = page.getByTestId("card");
  await card.waitFor();

  await card.getByRole("button", { name: "Close details" }).focus();
  await page.keyboard.press("Enter");
  await card.waitFor({ state: "detached" });
  await eventually("the list has the focus that the card had", async () => (await focus()).what === "People");
  assert.ok((await focus()).ring, "the focus is seen");

  const account = page.getByRole("button", { name: /^Account/ });
  await account.focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter"); // Settings…
  const settings = page.getByRole("dialog", { name: "Settings" });
  await settings.waitFor();
  await page.keyboard.press("Escape");
  await settings.waitFor({ state: "detached" });
  assert.match((await focus()).what, /^Account/, "the dialog gives the focus back");

  for (let i = 0; i < 25; i++) { // once around the page
    await page.keyboard.press("Tab");
    const { tag, ring } = await focus();
    assert.ok(tag === "BODY" || ring, `${tag} has the focus and does not show it`);
  }
  await context.close();
});

test("a few letters lead anywhere", { timeout: 60_000 }, async () => {
  const { page, context } = await enter(SIZES.wide);
  const palette = page.getByTestId("palette");
  const go = async (text) => {
    await page.keyboard.press("Control+k");
    await palette.getByRole("combobox").fill(text);
    await palette.getByRole("option").first().waitFor();
    await page.keyboard.press("Enter");
    await palette.waitFor({ state: "detached" });
  };
  await go("p1");
  assert.equal((await app(page)).selected, "p1");
  await go("follow");
  await page.getByRole("button", { name: "Following" }).waitFor();
  await go("dark app");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await go("hist");
  await page.locator("[data-testid=history-panel]").waitFor();
  await go("live");
  await page.locator("#people").waitFor();
  await go("show never");
  await eventually("those who never reported are listed", async () => (await page.locator("#people [role=option]").count()) === 2);
  await go("p3"); // though the filter hides nobody of that name, and though it would
  assert.equal((await app(page)).selected, "p3");
  await page.keyboard.press("Control+k");
  await palette.getByRole("combobox").fill("p");
  const chosen = () => palette.locator("[aria-selected=true]").innerText();
  const first = await chosen();
  await page.keyboard.press("ArrowDown");
  assert.notEqual(await chosen(), first);
  await page.keyboard.press("ArrowUp");
  assert.equal(await chosen(), first);
  await page.keyboard.press("Escape");
  await palette.waitFor({ state: "detached" });
  assert.equal((await app(page)).selected, "p3", "Escape closes the palette and nothing else");
  await context.close();
});

test("the list can keep to what the map shows", { timeout: 60_000 }, async () => {
  const { page, context } = await enter(SIZES.wide);
  const rows = page.locator("#people [role=option]");
  await page.getByLabel(/^In view/).check();
  await eventually("who has no position is not in view", async () => (await rows.count()) === 1);
  const box = await page.locator("canvas.maplibregl-canvas").boundingBox();
  await page.mouse.move(box.x + 150, box.y + box.height - 120);
  await page.mouse.down();
  await page.mouse.move(box.x + 150, box.y + 10, { steps: 6 }); // p1, in the middle, ends above the edge
  await page.mouse.up();
  await page.getByText("All who match are outside the part of the map that is seen.").waitFor();
  await page.getByRole("button", { name: "Show everybody" }).click();
  await eventually("p1 is back", async () => (await rows.count()) === 1);
  await page.getByLabel(/^In view/).uncheck();
  await eventually("everybody is listed", async () => (await rows.count()) === 3);
  await context.close();
});

test("the map says in words what it shows", async () => {
  const { page, context } = await enter(SIZES.wide);
  await page.getByRole("region", { name: /^Map of 3 people: 1 moving, 0 idle, 0 late, 0 offline, in view 1/ }).waitFor();
  await context.close();
});
