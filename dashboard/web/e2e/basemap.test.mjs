// Configured street maps, from a tile server of the test's own on another port: what is asked for, what the page's
// policy says to it, and what happens when it fails.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { app, barriers, launch, logIn, openPage } from "./browser.mjs";
import { Phone } from "./phone.mjs";
import { Server, eventually } from "./server.mjs";
import { townArchive } from "./town.mjs";

const [email, password] = ["asha@acme.example", "a long enough password"];
const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==", "base64");

/** A server of map files; `answer` gives the body of a path, or null for 404. */
async function tileHost(answer) {
  const asked = [];
  const host = createServer((request, response) => {
    asked.push({ url: request.url, referer: request.headers.referer ?? "" });
    const body = answer(request.url);
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.writeHead(body === null ? 404 : 200, { "Content-Type": request.url.endsWith(".json") ? "application/json" : "image/png" });
    response.end(body ?? "");
  }).listen(0, "127.0.0.1");
  await once(host, "listening");
  return { asked, url: `http://127.0.0.1:${host.address().port}`, close: () => host.close() };
}

/** Opens the live view of a server with this map.style and gives it to `look`. */
async function withMap(style, look) {
  const server = await Server.start([], { FIELDCAST_MAP_STYLE: style, FIELDCAST_MAP_ATTRIBUTION: "© The Tile Company" });
  const browser = await launch();
  let phone;
  try {
    const [credentials] = await server.company("acme", email, password, 1);
    phone = await Phone.connect(`mqtt://${server.mqtt}`, credentials);
    await phone.send(12.97, 77.59);
    const { page, complaints } = await openPage(browser, server.url);
    await logIn(page, email, password);
    await eventually("the map has p1", async () => (await app(page)).markersDrawn === 1);
    await look(page, complaints);
  } finally {
    await phone?.end();
    await browser.close();
    await server.close();
  }
}

const elsewhere = (complaints) => complaints.filter((c) => !c.includes("401"));
const attribution = (page) => page.locator(".maplibregl-ctrl-attrib").innerText();

test("raster tiles are drawn, name whom they must, and learn who asks", { timeout: 60_000 }, async () => {
  const host = await tileHost(() => PIXEL);
  try {
    await withMap(`raster:${host.url}/{z}/{x}/{y}.png`, async (page, complaints) => {
      await eventually("tiles were asked for", () => host.asked.length > 0);
      await eventually("the attribution is seen", async () => (await attribution(page)).includes("© The Tile Company"));
      assert.match(host.asked[0].url, /^\/\d+\/\d+\/\d+\.png$/);
      assert.match(host.asked[0].referer, /^http:\/\/127\.0\.0\.1:\d+\/$/);
      await page.emulateMedia({ colorScheme: "dark" });
      await eventually("the page is dark", () => page.evaluate(() => document.documentElement.dataset.theme === "dark"));
      await eventually("the markers are there still", async () => (await app(page)).markersDrawn === 1);
      assert.deepEqual(elsewhere(complaints), []);
    });
  } finally {
    host.close();
  }
});

test("a style of elsewhere is drawn with the people on top", { timeout: 60_000 }, async () => {
  let url = "";
  const host = await tileHost((path) => {
    if (path !== "/style.json") return PIXEL;
    const sources = { streets: { type: "raster", tiles: [`${url}/t/{z}/{x}/{y}.png`], tileSize: 256, attribution: "© Streets" } };
    return JSON.stringify({ version: 8, sources, layers: [{ id: "streets", type: "raster", source: "streets" }] });
  });
  url = host.url;
  try {
    await withMap(`style:${host.url}/style.json`, async (page, complaints) => {
      await eventually("its tiles were asked for", () => host.asked.some((a) => a.url.startsWith("/t/")));
      await eventually("the markers are there", async () => (await app(page)).markersDrawn === 1);
      assert.deepEqual(elsewhere(complaints), []);
    });
  } finally {
    host.close();
  }
});

test("streets from an archive on the server, which fails and comes back", { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "fieldcast-map-"));
  const file = path.join(folder, "town.pmtiles");
  await writeFile(file, townArchive(12.97, 77.59));
  try {
    await withMap(`pmtiles:${file}`, async (page, complaints) => {
      const drawn = (layer) => page.evaluate((id) => window.__app.drawnOf(id), layer);
      await eventually("streets are drawn", async () => (await drawn("streets-motorway")) > 0);
      await page.getByRole("button", { name: "Zoom in" }).click();
      await page.getByRole("button", { name: "Zoom in" }).click();
      await eventually("and houses", async () => (await drawn("streets-building")) > 0);
      assert.ok((await attribution(page)).includes("© The Tile Company"), "what the operator says counts more than what the archive says");
      assert.deepEqual(elsewhere(complaints), []);
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/town.png` });
      assert.deepEqual(await barriers(page), []);
      await eventually("streets are drawn in the other theme", async () => (await drawn("streets-motorway")) > 0);

      await page.keyboard.press("?");
      const settings = page.getByRole("dialog", { name: "Settings" });
      await eventually("the border is drawn", async () => (await drawn("boundary-streets-0")) > 0);
      await settings.getByLabel("Borders of countries").uncheck();
      await eventually("the border is gone", async () => (await drawn("boundary-streets-0")) === 0);
      await settings.getByLabel("Borders of countries").check();
      await settings.getByLabel("Streets").uncheck();
      await eventually("the built-in map is wanted", async () => (await drawn("streets-motorway")) === 0);
      await page.reload();
      await eventually("the map has p1", async () => (await app(page)).markersDrawn === 1);
      assert.equal(await drawn("streets-motorway"), 0, "that is remembered");
      await page.keyboard.press("?");
      await settings.getByLabel("Streets").check();
      await eventually("streets are wanted again", async () => (await drawn("streets-motorway")) > 0);
      await page.keyboard.press("Escape");

      await rename(file, `${file}.away`);
      const cdp = await page.context().newCDPSession(page);
      await cdp.send("Network.clearBrowserCache");
      await page.reload();
      await page.getByText("The street map cannot be loaded.").waitFor();
      await eventually("the built-in map is shown", async () => (await attribution(page)).includes("Natural Earth"));
      assert.equal((await app(page)).markersDrawn, 1);
      await rename(`${file}.away`, file);
      await page.getByRole("button", { name: "Try again" }).click();
      await eventually("the streets are back", async () => (await drawn("streets-motorway")) > 0);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

for (const kind of ["raster", "style"]) {
  test(`a ${kind} that fails leaves the built-in map, and a note that can be dismissed`, { timeout: 60_000 }, async () => {
    const host = await tileHost(() => null);
    try {
      await withMap(kind === "raster" ? `raster:${host.url}/{z}/{x}/{y}.png` : `style:${host.url}/style.json`, async (page) => {
        const note = page.getByText("The street map cannot be loaded.");
        await note.waitFor();
        await eventually("the built-in map is shown", async () => (await attribution(page)).includes("Natural Earth"));
        assert.equal((await app(page)).markersDrawn, 1);
        await page.getByRole("button", { name: "Got it" }).click();
        await note.waitFor({ state: "detached" });
      });
    } finally {
      host.close();
    }
  });
}
