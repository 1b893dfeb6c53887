// Chromium for tests: what software rendering needs, and nothing that leaves this machine.

import { chromium } from "playwright-core";

const flags = [
  "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
];

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });

/** A page that notes every complaint: requests elsewhere, policy violations, errors on the console. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 800, height: 600 }, reducedMotion: "reduce", ...options });
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
    if (message.type() === "error") complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.stack}`));
  await page.goto(url);
  return { page, context, complaints };
}

/** Fills in the form as a person without a mouse does. */
export async function logIn(page, email, password) {
  await page.locator("input[name=email]").fill(email);
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
