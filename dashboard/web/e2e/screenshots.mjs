// Takes the pictures for README and docs: the demo, and thousands of people, in a real browser. Call it by scripts/screenshots.

import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { app, launch, logIn, openPage } from "./browser.mjs";
import { publishOnce, town } from "./crowd.mjs";
import { workday } from "./journey.mjs";
import { Phone } from "./phone.mjs";
import { Server, eventually } from "./server.mjs";

const out = path.resolve(process.argv[2] ?? "../../docs/screenshots");
await mkdir(out, { recursive: true });
const shoot = (page, name) => page.screenshot({ path: path.join(out, `${name}.png`), animations: "disabled" });
const browser = await launch();
try {
  const only = process.argv[3];
  if (!only || only === "demo") await shootDemo();
  if (!only || only === "history") await shootHistory();
  if (!only || only === "many") for (const people of [5_000, 20_000]) await shootMany(people);
} finally {
  await browser.close();
}

async function shootDemo() {
  const server = await Server.start(["--demo"]);
  try {
    await eventually("the demo has people", async () => server.log.includes("on their way"), 60_000);
    const password = (await readFile(path.join(server.data, "keys/demo-password"), "utf8")).trim();

    /** Opens the demo, logged in and drawn. */
    const open = async (width, height, colorScheme) => {
      const { page, context } = await openPage(browser, server.url, { viewport: { width, height }, colorScheme });
      await page.locator("input[name=email]").waitFor();
      if (width === 1280 && colorScheme === "light") await shoot(page, "login");
      await logIn(page, "demo@fieldcast.example", password);
      await eventually("everybody is on the map", async () => (await app(page)).markersDrawn === 25, 60_000);
      await page.getByRole("button", { name: "Got it" }).click({ timeout: 5000 }).catch(() => {}); // the note about streets
      return { page, context };
    };

    /** Waits until several changes have come in and the map has drawn them. */
    const settle = async (page) => {
      const { seq } = await app(page);
      await eventually("people have moved", async () => (await app(page)).seq > seq + 20, 60_000);
    };

    /** Selects somebody who is driving, so that the card has something to say. */
    const selectMover = async (page) => {
      const row = page.locator("#people [role=option]", { hasText: "km/h" }).nth(1);
      await row.click();
      await page.getByTestId("card").waitFor();
    };

    for (const [scheme, name] of [["light", "live"], ["dark", "live-dark"]]) {
      const { page, context } = await open(1280, 800, scheme);
      await settle(page);
      await selectMover(page);
      await settle(page);
      await shoot(page, name);
      await context.close();
    }
    const phone = await open(390, 844, "light");
    await settle(phone.page);
    await shoot(phone.page, "phone");
    await phone.context.close();

    const wide = await open(1280, 800, "light");
    for (let i = 0; i < 7; i++) {
      await wide.page.getByRole("button", { name: "Zoom out" }).click();
      await settle(wide.page);
    }
    await wide.page.mouse.move(640, 20); // off the button, which is lit under the pointer
    await shoot(wide.page, "country");
    await wide.context.close();
  } finally {
    await server.close();
  }
}

/** A day of somebody, in the middle of its replay. */
async function shootHistory() {
  const server = await Server.start();
  try {
    const password = "a long enough password";
    await server.company("acme", "asha@acme.example", password, 1);
    const [, line] = (await server.cli(["employee", "add", "acme", "ravi", "--name", "Ravi Kumar", "--team", "North", "--out", "-"])).trim().split("\n");
    const [employee, username, secret, clientId] = line.split(",");
    const phone = await Phone.connect(`mqtt://${server.mqtt}`, { company: "acme", employee, username, password: secret, clientId });
    const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    const fixes = workday(Date.parse(`${day}T08:10:00Z`));
    await Promise.all(fixes.map((fix) => phone.send(fix.lat, fix.lon, fix)));
    await phone.end();
    const token = await server.token("acme", "manager");
    await eventually("all is stored", async () => (await server.get("companies/acme/stats", token)).fixes >= fixes.length);
    for (const [name, width, height, colorScheme] of [["history", 1280, 800, "light"], ["history-dark", 1280, 800, "dark"], ["history-phone", 390, 844, "light"]]) {
      const { page, context } = await openPage(browser, `${server.url}?p=ravi&h=${day}`, { viewport: { width, height }, colorScheme, timezoneId: "UTC" });
      await logIn(page, "asha@acme.example", password);
      await page.locator("[data-testid=history-panel][data-status=ready]").waitFor();
      await page.getByRole("button", { name: "Got it" }).click({ timeout: 3000 }).catch(() => {});
      await page.getByTestId("legs").locator("li").nth(9).locator("button").click();
      await page.getByRole("button", { name: "Show the whole way" }).click();
      await page.waitForFunction(() => window.__history.drawn);
      await page.mouse.move(width / 2, 20);
      await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 1500))); // labels have been placed
      await shoot(page, name);
      await context.close();
    }
  } finally {
    await server.close();
  }
}

/** Thousands of people of a country: clusters, or from more than 5,000 on dots. */
async function shootMany(people) {
  const server = await Server.start();
  try {
    const password = "a long enough password";
    const phones = await server.company("acme", "asha@acme.example", password, people);
    await publishOnce(server.mqtt, phones, (i) => {
      const late = i % 11 === 0 ? 900 : i % 17 === 0 ? 4000 : 0; // seconds ago
      return [...town(i), { vel: i % 3 ? 24 : 0, cog: (i * 37) % 360, batt: 30 + (i % 70), tst: Date.now() / 1000 - late }];
    });
    const { page, context } = await openPage(browser, server.url, { viewport: { width: 1280, height: 800 }, colorScheme: "light" });
    await logIn(page, "asha@acme.example", password);
    await eventually("everybody is on the map", async () => (await app(page)).markersDrawn === people, 60_000);
    await page.locator("#people [role=option]").first().waitFor();
    await page.mouse.move(640, 20);
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 2500))); // clusters and labels have been placed
    await shoot(page, people > 5000 ? "many-dots" : "many");
    await context.close();
  } finally {
    await server.close();
  }
}
