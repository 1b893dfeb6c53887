// Every state of the connection against the real binary, behind networks that are not as they should be.
// One story: each test begins where the one before has ended.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { app, barriers, launch, logIn, openPage } from "./browser.mjs";
import { Phone } from "./phone.mjs";
import { Proxy } from "./proxy.mjs";
import { Server, eventually } from "./server.mjs";

const password = "a long enough password";
const email = (company) => `asha@${company}.example`;
const [lat, lon] = [12.97, 77.59];
const NETWORK = ["net::ERR_", "WebSocket connection to", "status of 403"];

let server, proxy, browser, page, complaints, phone, otherPhone;

before(async () => {
  server = await Server.start();
  const [credentials] = await server.company("acme", email("acme"), password, 1);
  const [others] = await server.company("other", email("other"), password, 1);
  phone = await Phone.connect(`mqtt://${server.mqtt}`, credentials);
  otherPhone = await Phone.connect(`mqtt://${server.mqtt}`, others);
  await phone.send(lat, lon);
  await otherPhone.send(-lat, -lon);
  proxy = await Proxy.to(server.http);
  browser = await launch();
  ({ page, complaints } = await openPage(browser, proxy.url));
  await logIn(page, email("acme"), password);
});

after(async () => {
  await browser?.close();
  await Promise.all([phone?.end(), otherPhone?.end()].map((p) => p?.catch(() => {})));
  await proxy?.close();
  await server?.close();
});

function part(name, play, expected = []) {
  test(name, { timeout: 180_000 }, async () => {
    await play();
    assert.deepEqual(complaints.splice(0).filter((c) => !expected.some((e) => c.includes(e))), []);
  });
}

const badge = (on = page) => on.getByTestId("connection");
const menu = () => page.getByTestId("connection-menu");
const over = (rung, on = page) => on.locator(`[data-testid=connection][data-rung=${rung}].badge-live`).waitFor({ timeout: 60_000 });
const isAt = (at, on = page) => on.evaluate((to) => Math.abs((window.__app.position("p1")?.lat ?? 999) - to) < 1e-6, at);

let moves = 0;
/** The phone moves, and the page shows it. */
async function follows(withinMs = 10_000) {
  const to = lat + ++moves / 1000;
  await phone.send(to, lon);
  await eventually(`the page shows move ${moves}`, () => isAt(to), withinMs);
}

part("where WebSocket is blocked, the map follows by an event stream, and says so", async () => {
  await over("stream");
  await follows();
  await badge().click();
  await menu().getByText("Event stream (SSE)").waitFor();
  await menu().getByText(/WebSocket connections do not get through/).waitFor();
  assert.deepEqual(await barriers(page), []);
  await page.keyboard.press("Escape");
  await menu().waitFor({ state: "detached" });
  assert.ok(await badge().evaluate((b) => b === document.activeElement), "the focus is back on the badge");
}, ["401", ...NETWORK]);

part("where event streams are held back as well, it asks again and again", async () => {
  proxy.holdsBack = true;
  proxy.cut();
  await over("poll");
  await follows();
  await follows();
  await badge().click();
  await menu().getByText("Long polling").waitFor();
  await menu().getByText(/holds back event streams/).waitFor();
  await page.keyboard.press("Escape");
}, NETWORK);

part("what happens while the network is away is shown afterwards, and nothing is live until then", async () => {
  await server.kill();
  await eventually("the page does not claim to be live", async () => (await app(page)).connection !== "live");
  await page.getByText(/Connection lost .* ago/).waitFor();
  await badge().click();
  await menu().getByText(/Reconnecting for/).waitFor();
  await menu().getByRole("button", { name: "Try now" }).waitFor();
  assert.deepEqual(await barriers(page), []);
  await page.keyboard.press("Escape");
  await server.up();
  await over("poll");
  await eventually("the phone is back", () => phone.client.connected, 60_000);
  await follows();
}, ["502", ...NETWORK]);

part("when WebSocket is let through, a press of a button is enough", async () => {
  proxy.blocks = proxy.holdsBack = false;
  await badge().click();
  await menu().getByRole("button", { name: "Try WebSocket now" }).click();
  await over("websocket");
  await menu().getByText("MQTT over WebSocket").waitFor();
  assert.equal(await menu().getByText(/Why/).count(), 0);
  assert.equal(await menu().getByText(/agrees with the server's/).count(), 1);
  await page.keyboard.press("Escape");
  await follows();
}, NETWORK);

part("a network that goes and comes back begins with WebSocket", async () => {
  await page.context().setOffline(true);
  await badge().getByText("No network").waitFor();
  await page.context().setOffline(false);
  await over("websocket");
  await follows();
}, NETWORK);

part("a session that has expired asks for the password over the picture, and keeps the view", async () => {
  await page.locator("#people [role=option][data-employee=p1]").click();
  await page.getByTestId("card").waitFor();
  const { origin } = new URL(proxy.url);
  const ended = await page.context().request.post(`${proxy.url}api/v1/logout`, { headers: { origin } }); // as another tab does
  assert.ok(ended.ok(), `${ended.status()}`);
  await page.keyboard.press("Escape");
  await page.locator("#people [role=option][data-employee=p1]").click(); // asks for the day
  const dialog = page.locator("dialog[open]");
  await dialog.locator("input[name=password]").waitFor({ timeout: 60_000 });
  await badge().getByText("Logged out").waitFor();
  assert.deepEqual(await barriers(page), []);
  await dialog.locator("input[name=password]").fill(password);
  await page.keyboard.press("Enter");
  await over("websocket");
  assert.equal((await app(page)).selected, "p1");
  await follows();
}, ["401", ...NETWORK]);

part("two companies side by side see each its own", async () => {
  const other = await openPage(browser, server.url);
  await logIn(other.page, email("other"), password);
  await over("websocket", other.page);
  await follows();
  await otherPhone.send(-lat - 0.5, -lon);
  await eventually("the other company sees its person move", () => isAt(-lat - 0.5, other.page));
  assert.ok(await isAt(lat + moves / 1000), "and this one sees its own p1 where it was");
  assert.equal((await app(other.page)).people, 1);
  assert.equal((await app(page)).people, 1);
  assert.deepEqual(other.complaints.filter((c) => !c.includes("401")), []);
  await other.context.close();
});
