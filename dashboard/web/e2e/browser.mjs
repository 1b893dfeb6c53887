// Chromium for tests: what software rendering needs, and nothing that leaves this machine.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const flags = [
  "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", // also for workers and web sockets, which routes may miss
];

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: flags });

/** A page that notes every complaint: requests elsewhere, policy violations, errors on the console. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 800, height: 600 }, reducedMotion: "reduce", locale: "en-IN", ...options });
  const complaints = [];
  await context.route(
    (u) => u.protocol.startsWith("http") && u.hostname !== "127.0.0.1",
    (route) => {
      complaints.push(`request to ${route.request().url()}`);
      return route.abort();
    },
  );
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.stack}`));
  await page.goto(url);
  return { page, context, complaints };
}

/** Fills in the form as a person without a mouse does: the e-mail field has the focus when the page opens. */
export async function logIn(page, email, password) {
  await page.locator("input[name=email]:focus").waitFor();
  await page.keyboard.type(email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(password);
  await page.keyboard.press("Enter");
}

/** What the app says of itself. */
export const app = (page) =>
  page.evaluate(() => {
    const { people, markersDrawn, connection, selected, seq } = window.__app ?? {};
    return { people, markersDrawn, connection, selected, seq };
  });

/** What axe has against the page as it is, by WCAG 2.2 AA, in light and dark. */
export async function barriers(page) {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const found = [];
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.waitForFunction((dark) => matchMedia("(prefers-color-scheme: dark)").matches === dark, colorScheme === "dark");
    await page.evaluate(axe); // not by a script element, which the page's policy forbids
    const violations = await page.evaluate(async () => {
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
      return (await window.axe.run(document, { runOnly: tags })).violations;
    });
    found.push(...violations.map((v) => `${colorScheme} ${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`));
  }
  return found;
}
