// What a page shows when there is nothing to show, and what it loads to show it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { app, barriers, launch, logIn, openPage } from "./browser.mjs";
import { Phone } from "./phone.mjs";
import { Server, eventually } from "./server.mjs";

const [email, password] = ["asha@acme.example", "a long enough password"];
const BUDGET_KB = 650; // gzip, without fonts and the world map
let server, browser;

before(async () => {
  server = await Server.start();
  await server.cli(["company", "add", "acme", "--name", "acme Ltd"]);
  await server.cli(["user", "add", "acme", email, "--role", "manager", "--password-stdin"], password);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

const live = (page) => eventually("the page is live", async () => (await app(page)).connection === "live");

test("nobody yet: the page says how to enrol a phone, and shows who comes", { timeout: 60_000 }, async () => {
  const { page, context, complaints } = await openPage(browser, server.url);
  await logIn(page, email, password);
  await live(page);
  await page.getByRole("heading", { name: "Nobody is enrolled yet" }).waitFor();
  await page.getByText('fieldcast employee add acme e1 --name "Asha Rao"').waitFor();
  await page.getByText("e1@acme").waitFor();
  assert.deepEqual(await barriers(page), []);
  const printed = await server.cli(["employee", "add", "acme", "e1", "--name", "Asha Rao"]); // as the page says
  for (const told of [/User name +e1@acme/, /Client id +acme-e1/]) assert.match(printed, told);
  const secret = /^Password +(\S+)/m.exec(printed)[1];
  const phone = await Phone.connect(`mqtt://${server.mqtt}`, { company: "acme", employee: "e1", username: "e1@acme", password: secret, clientId: "acme-e1" });
  await page.locator("[data-employee=e1]").getByText("Never reported").waitFor(); // when the phone has connected
  await phone.send(12.97, 77.59);
  await eventually("e1 is on the map", async () => (await app(page)).markersDrawn === 1);
  await phone.end();
  assert.deepEqual(complaints.filter((c) => !c.includes("401")), []);
  await context.close();
});

test("without WebGL the list works, and the page says why there is no map", { timeout: 60_000 }, async () => {
  const { page, context } = await openPage(browser, "about:blank");
  await page.addInitScript(() => {
    const real = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
      return kind.startsWith("webgl") ? null : real.call(this, kind, ...more);
    };
  });
  await page.goto(server.url);
  await logIn(page, email, password);
  await page.getByText(/This browser has no WebGL 2/).waitFor();
  await page.locator("[data-employee=e1]").click();
  await page.getByTestId("card").waitFor();
  assert.deepEqual(await barriers(page), []);
  await context.close();
});

test("what the page loads at first is small, and all of it from its own server", { timeout: 60_000 }, async () => {
  const { page, context, complaints } = await openPage(browser, "about:blank");
  const loaded = new Map();
  context.on("response", (response) => {
    const { origin, pathname } = new URL(response.url());
    assert.equal(`${origin}/`, server.url);
    if (!/\.(woff2|pmtiles)$|^\/api\//.test(pathname)) loaded.set(pathname, response.url());
  });
  await page.goto(server.url);
  await logIn(page, email, password);
  await live(page);
  await page.locator(".maplibregl-canvas").waitFor();
  await eventually("the map's worker is loaded", () => [...loaded.keys()].some((p) => p.includes("maplibre-gl-worker")));
  let bytes = 0;
  for (const url of loaded.values()) bytes += gzipSync(Buffer.from(await (await fetch(url)).arrayBuffer())).length;
  console.log(`first load: ${loaded.size} files, ${Math.round(bytes / 1024)} kB gzip`);
  assert.ok([...loaded.keys()].some((p) => p.includes("live.worker")), "the connection's worker counts, too");
  assert.ok(bytes <= BUDGET_KB * 1024, `${bytes} bytes`);
  assert.deepEqual(complaints.filter((c) => !c.includes("401")), []);
  await context.close();
});
