// A link to one person's position: made in the card, opened by somebody without a login, revoked.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { app, barriers, launch, logIn, openPage } from "./browser.mjs";
import { Phone } from "./phone.mjs";
import { Server, eventually } from "./server.mjs";

const [email, password] = ["asha@acme.example", "a long enough password"];
const PATIENCE_MS = 30_000;
let server, browser, phone, manager, guest, link;

before(async () => {
  server = await Server.start([], { FIELDCAST_LOG_LEVEL: "debug" });
  await server.company("acme", email, password, 2);
  const csv = await server.cli(["employee", "add", "acme", "t1", "--name", "Luca Rossi", "--out", "-"]);
  const [employee, username, secret, clientId] = csv.trim().split("\n")[1].split(",");
  phone = await Phone.connect(`mqtt://${server.mqtt}`, { company: "acme", employee, username, password: secret, clientId });
  await phone.send(12.97, 77.59);
  browser = await launch();
  manager = await openPage(browser, server.url, { viewport: { width: 1280, height: 800 } });
  manager.page.setDefaultTimeout(PATIENCE_MS);
  await logIn(manager.page, email, password);
  await eventually("the map has t1", async () => (await app(manager.page)).markersDrawn === 1, PATIENCE_MS);
});

after(async () => {
  await phone?.end();
  await browser?.close();
  await server?.close();
});

const dialog = () => manager.page.getByRole("dialog", { name: "Share Luca Rossi’s position" });
const expected = (complaints, ...codes) => complaints.filter((c) => !codes.some((code) => c.includes(code)));

test("the card makes a link, and says what it shows and until when", { timeout: 120_000 }, async () => {
  const { page } = manager;
  await page.locator("[data-employee=t1]").click();
  await page.getByRole("button", { name: "Share position" }).click();
  await dialog().getByText("No link to this person is active.").waitFor();
  await dialog().getByLabel("15 min").check();
  await dialog().getByLabel(/^For whom/).fill("Zoë Ito, the boiler");
  assert.deepEqual(await barriers(page), []);
  await dialog().getByRole("button", { name: "Make link" }).click();
  link = await dialog().getByLabel("Link", { exact: true }).inputValue();
  assert.match(link, new RegExp(`^${server.url}s#fcs_[A-Za-z0-9_-]{43}$`));
  await dialog().getByRole("listitem").getByText("Zoë Ito, the boiler").waitFor();
  await dialog().getByRole("button", { name: "Copy link" }).click();
  await dialog().getByRole("button", { name: "Copied" }).waitFor();
  assert.deepEqual(await barriers(page), []);
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
  assert.equal(await page.getByTestId("card").count(), 1, "the key that closes the dialog closes nothing else");
  const list = await server.get("companies/acme/employees/t1/shares", await server.token("acme", "manager"));
  const left = Date.parse(list.shares[0].expires_at) - Date.now();
  assert.ok(left > 13 * 60_000 && left <= 15 * 60_000, `${left} ms left`);
});

test("the dialog has no barriers on a phone", { timeout: 120_000 }, async () => {
  const { page } = manager;
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: "Share position" }).click();
  await dialog().getByRole("listitem").waitFor();
  assert.deepEqual(await barriers(page), []);
  await dialog().getByRole("button", { name: "Close sharing" }).click();
  await dialog().waitFor({ state: "detached" });
  await page.setViewportSize({ width: 1280, height: 800 });
});

test("who has no login sees the person, moving, and nothing else", { timeout: 120_000 }, async () => {
  guest = await openPage(browser, "about:blank", { viewport: { width: 390, height: 844 } });
  const { page, context } = guest;
  page.setDefaultTimeout(PATIENCE_MS);
  const requests = [];
  context.on("request", (r) => requests.push(r));
  const response = await page.goto(link);
  assert.equal(response.headers()["cache-control"], "no-store");
  assert.match(response.headers()["x-robots-tag"], /noindex/);
  const panel = page.getByTestId("shared");
  await panel.getByRole("heading", { name: "Luca", exact: true }).waitFor();
  await panel.getByText("Live", { exact: true }).first().waitFor();
  await panel.getByText(/^Seen \d+ s ago, to within 7 m$/).waitFor();
  await panel.getByText(/^Shared with you until /).waitFor();
  assert.doesNotMatch(await page.locator("body").innerText(), /Rossi|acme|boiler|64 ?%|p1/);
  const canvas = page.locator(".maplibregl-canvas");
  await canvas.waitFor();
  const { width, height } = await canvas.boundingBox();
  assert.ok(width === 390 && height > 700, `the map has ${width} x ${height} pixels`);
  assert.deepEqual(await barriers(page), []);
  await page.setViewportSize({ width: 1280, height: 800 });
  assert.deepEqual(await barriers(page), []);

  const moved = page.waitForResponse(async (r) => r.url().includes("/api/v1/shared") && r.ok() && (await r.json()).lat === 12.99, { timeout: PATIENCE_MS });
  await eventually("it waits for news", () => requests.some((r) => r.url().includes("wait=")), PATIENCE_MS);
  await phone.send(12.99, 77.59, { acc: 31 });
  const answer = await (await moved).json();
  assert.deepEqual(Object.keys(answer).sort(), ["$schema", "accuracy_m", "at", "expires_at", "lat", "lon", "name", "seen_at", "seq", "state"].filter((k) => k in answer || k !== "$schema"));
  await panel.getByText(/to within 31 m/).waitFor();

  const token = link.split("#")[1];
  for (const r of requests) {
    assert.ok(!r.url().includes(token) || r.isNavigationRequest(), `the token is in ${r.url()}`);
    assert.ok(!(r.headers().referer ?? "").includes(token), "the token is in a Referer");
    assert.equal(r.headers().cookie, undefined);
  }
  assert.ok(server.log.includes("/api/v1/shared"), "requests are logged at debug level");
  assert.ok(!server.log.includes(token), "the token is in the log");
  assert.match(server.log, /position shared.*employee=t1.*by=asha@acme\.example.*until=/);
  assert.deepEqual(guest.complaints, []);
});

test("a connection that is lost is said, and made again", { timeout: 120_000 }, async () => {
  const { page, context, complaints } = guest;
  await context.setOffline(true);
  await phone.send(13.0, 77.6); // what is under way is answered, or cut
  await page.getByText("No connection at the moment; trying again.").waitFor({ timeout: 60_000 });
  assert.equal(await page.getByText("Live", { exact: true }).count(), 0, "nothing looks live");
  assert.deepEqual(await barriers(page), []);
  await context.setOffline(false);
  await page.getByText("No connection at the moment").waitFor({ state: "detached", timeout: 60_000 });
  assert.deepEqual(expected(complaints.splice(0), "net::ERR_"), []);
});

test("revoked, it ends at once, and says so", { timeout: 120_000 }, async () => {
  await manager.page.getByRole("button", { name: "Share position" }).click();
  await dialog().getByRole("button", { name: "Revoke the link for Zoë Ito, the boiler" }).click();
  await dialog().getByText("No link to this person is active.").waitFor();
  const { page, context, complaints } = guest;
  await page.getByRole("heading", { name: "This link has ended" }).waitFor();
  assert.equal(await page.locator(".maplibregl-canvas").count(), 0);
  assert.deepEqual(await barriers(page), []);
  await page.reload();
  await page.getByRole("heading", { name: "This link has ended" }).waitFor();
  await page.goto(`${server.url}s#fcs_wrong`);
  await page.getByRole("heading", { name: "This link does not work" }).waitFor();
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(expected(complaints, "410", "404"), []);
  await context.close();
  assert.deepEqual(expected(manager.complaints, "401"), []);
});

test("who may only look makes no links", { timeout: 120_000 }, async () => {
  await server.cli(["user", "add", "acme", "omar@acme.example", "--role", "viewer", "--password-stdin"], password);
  const { page, context } = await openPage(browser, server.url);
  page.setDefaultTimeout(PATIENCE_MS);
  await logIn(page, "omar@acme.example", password);
  await page.locator("[data-employee=t1]").click();
  await page.getByRole("button", { name: "Copy coordinates" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Share position" }).count(), 0);
  await context.close();
});
