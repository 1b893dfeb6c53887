// The history against the real binary: a day that a phone has sent by MQTT, looked at and replayed in a real browser.
// One story: each test begins where the one before has ended.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { barriers, launch, logIn, openPage } from "./browser.mjs";
import { journey } from "./journey.mjs";
import { Phone } from "./phone.mjs";
import { Server, eventually } from "./server.mjs";

const email = "asha@acme.example";
const password = "a long enough password";
const DAY = 86_400_000;
const dateOf = (ms) => new Date(ms).toISOString().slice(0, 10);
const yesterday = dateOf(Date.now() - DAY);
const begin = Date.parse(`${yesterday}T08:00:00Z`);

let server, browser, page, complaints, sent;

before(async () => {
  server = await Server.start();
  const [first, second] = await server.company("acme", email, password, 2);
  const phone = await Phone.connect(`mqtt://${server.mqtt}`, first);
  sent = journey(begin);
  for (const fix of sent) await phone.send(fix.lat, fix.lon, fix);
  await phone.end();
  const other = await Phone.connect(`mqtt://${server.mqtt}`, second);
  await other.send(12.9, 77.5);
  await other.end();
  const token = await server.token("acme", "manager");
  await eventually("all is stored", async () => (await server.get("companies/acme/stats", token)).fixes === sent.length + 1);
  browser = await launch();
  ({ page, complaints } = await openPage(browser, server.url, { timezoneId: "UTC", viewport: { width: 1100, height: 700 }, acceptDownloads: true, locale: "en-IN" }));
  await page.evaluate(() => localStorage.setItem("fieldcast.style", JSON.stringify({ units: "metric", clock: "24", zone: "" })));
  await page.reload();
  await logIn(page, email, password);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

function part(name, play, expected = []) {
  test(name, { timeout: 90_000 }, async () => {
    await play();
    assert.deepEqual(complaints.splice(0).filter((c) => !expected.some((e) => c.includes(e))), []);
  });
}

const past = () => page.evaluate(() => window.__history && { ...window.__history, status: window.__history.status, time: window.__history.time, moment: window.__history.moment, drawn: window.__history.drawn, playing: window.__history.playing });
const ready = () => page.locator("[data-testid=history-panel][data-status=ready]").waitFor();
const legs = () => page.getByTestId("legs").locator("li");
const kinds = () => legs().evaluateAll((all) => all.map((li) => li.dataset.kind));
const query = () => new URL(page.url()).searchParams;

part("from the card to a day without positions, and from there to the last that has some", async () => {
  await page.locator("#people [role=option][data-employee=p1]").click();
  await page.getByTestId("card").getByTestId("history").click();
  await ready();
  assert.equal(query().get("h"), dateOf(Date.now()));
  assert.equal(query().get("p"), "p1");
  await page.locator("#history-title:focus").waitFor();
  await page.getByText("No positions were recorded in this time.").waitFor();
  await page.getByRole("button", { name: /Show Yesterday/ }).click();
  await eventually("yesterday is shown", () => query().get("h") === yesterday);
  await ready();
}, ["401"]);

part("the timeline has trips, stops and gaps, with their figures", async () => {
  await legs().first().waitFor();
  assert.deepEqual(await kinds(), ["trip", "stop", "gap", "trip"]);
  const words = await legs().allInnerTexts();
  assert.match(words[0], /^08:00[\s\S]*Trip, 12 km[\s\S]*20 min, until 08:20 · up to 36\skm\/h/);
  assert.match(words[1], /^08:20[\s\S]*Stop 1[\s\S]*10 min, until 08:30/);
  assert.match(words[2], /^08:30[\s\S]*No positions[\s\S]*1 h, until 09:30[\s\S]*not counted/);
  const figures = await page.getByTestId("history-figures").innerText();
  assert.match(figures, /Fixes\s*82/);
});

part("the map draws the way, and says when somebody was where the pointer is", async () => {
  await eventually("the way is drawn", async () => (await past()).drawn);
  const fix = sent[20];
  const box = await page.locator(".map").boundingBox();
  await eventually("the pointer finds the way", async () => {
    const at = await page.evaluate((place) => window.__history.project(place), [fix.lon, fix.lat]);
    await page.mouse.move(box.x + at.x, box.y + at.y + 1);
    await page.mouse.move(box.x + at.x, box.y + at.y);
    return (await page.getByTestId("way-tip").count()) === 1;
  });
  assert.match(await page.getByTestId("way-tip").innerText(), /^08:(09|10):\d\d\s+3[5-7] km\/h$/);
});

part("the replay moves the person, faster where nothing is to be seen, and ends at the end", async () => {
  await page.keyboard.press("Escape"); // to the live view
  await page.locator("#people").waitFor();
  await page.goBack();
  await ready();
  await legs().first().waitFor();
  assert.equal((await past()).time, begin);
  await page.getByLabel("Speed of the replay").selectOption("60");
  await page.getByRole("button", { name: "Play" }).click();
  await eventually("the person moves", async () => {
    const { time, moment } = await past();
    return time > begin + 60_000 && moment.at[0] > sent[0].lon && moment.speedMps > 9;
  });
  await page.getByRole("button", { name: "Pause" }).click();
  const { time } = await past();
  await page.waitForTimeout(300); // that it stands still can only be seen by waiting
  assert.equal((await past()).time, time);
  await legs().nth(2).locator("button").click();
  assert.equal((await past()).time, begin + 30 * 60_000);
});

part("all of it by keyboard", async () => {
  await legs().first().waitFor();
  const slider = page.getByRole("slider", { name: "Moment" });
  await slider.focus();
  await page.keyboard.press("End");
  await eventually("the end is shown", async () => (await past()).time === begin + 100 * 60_000);
  assert.match(await slider.getAttribute("aria-valuetext"), /^09:40:00/);
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await eventually("a step on", async () => (await past()).time === begin + 15_000);
  await page.keyboard.press("Space");
  await eventually("it plays", async () => (await past()).playing && (await past()).time > begin + 16_000);
  await page.keyboard.press("Space");
  await eventually("it pauses", async () => !(await past()).playing);
  await legs().nth(1).locator("button").focus();
  await page.keyboard.press("Enter");
  await eventually("the stop is chosen", async () => (await past()).time === begin + 20 * 60_000);
  assert.equal(await legs().nth(1).locator("button").getAttribute("aria-pressed"), "true");
});

part("the days of two weeks, and a range of days", async () => {
  await page.getByRole("radio", { name: "Days" }).check();
  const days = page.getByTestId("days").locator("li");
  await eventually("there are fourteen", async () => (await days.count()) === 14);
  assert.match(await days.nth(0).innerText(), /^Today[\s\S]*Nothing recorded/);
  assert.match(await days.nth(1).innerText(), /^Yesterday[\s\S]*km · 1 stop · 30 min moving[\s\S]*1 gap of 1 h/);
  await page.getByTestId("history-to").fill(dateOf(Date.now()));
  await eventually("two days are shown", () => query().get("h") === `${yesterday}..${dateOf(Date.now())}`);
  await page.getByRole("radio", { name: "Timeline" }).check();
  await ready();
  await page.getByTestId("legs").getByRole("heading", { name: /^Yesterday/ }).waitFor();
  await page.getByRole("button", { name: "Earlier" }).click();
  await eventually("two days before", () => query().get("h") === `${dateOf(begin - 2 * DAY)}..${dateOf(begin - DAY)}`);
  await ready();
  await page.getByTestId("history-from").fill(yesterday);
  await eventually("a week at most, and never backwards", () => query().get("h") === yesterday);
  await ready();
});

part("the fixes can be downloaded", async () => {
  for (const [format, count] of [
    ["gpx", (text) => text.match(/<trkpt /g).length],
    ["geojson", (text) => JSON.stringify(JSON.parse(text)).match(/\d{4}-\d\d-\d\dT/g).length],
    ["csv", (text) => text.trim().split("\n").length - 1],
  ]) {
    await page.locator(".exports summary").click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator(`.exports a[data-format=${format}]`).click()]);
    const text = await readFile(await download.path(), "utf8");
    assert.ok(count(text) >= sent.length, `${format} has ${count(text)} of ${sent.length}`);
    assert.match(download.suggestedFilename(), new RegExp(`\\.${format}$`));
  }
});

part("another person, by the list; a reload shows the same; back leads to the live view", async () => {
  await page.getByTestId("history-person").selectOption("p2");
  await page.getByText("No positions were recorded in this time.").waitFor();
  await page.getByTestId("history-person").selectOption("p1");
  await legs().first().waitFor();
  await page.reload();
  await ready();
  assert.deepEqual(await kinds(), ["trip", "stop", "gap", "trip"]);
  await page.getByRole("navigation").getByRole("button", { name: "Live", exact: true }).click();
  await page.locator("#people").waitFor();
  assert.equal(query().get("h"), null);
  await page.goBack();
  await ready();
  await page.goForward();
  await page.locator("#people").waitFor();
  await page.goBack();
  await ready();
});

part("neither the history nor an empty day has barriers, wide and narrow, in both themes", async () => {
  await legs().first().waitFor();
  assert.deepEqual(await barriers(page), []);
  await page.setViewportSize({ width: 390, height: 780 });
  await page.locator(".sheet .player").waitFor();
  assert.deepEqual(await barriers(page), []);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `the page is ${wide} px wide`);
  await page.getByTestId("history-from").fill(dateOf(begin - DAY));
  await page.getByText("No positions were recorded in this time.").waitFor();
  assert.deepEqual(await barriers(page), []);
  await page.setViewportSize({ width: 1100, height: 700 });
});

part("while the server is away it says so, and it goes on by itself when it is back", async () => {
  await server.kill();
  await page.getByTestId("history-from").fill(yesterday);
  await page.getByText("The server cannot be reached.").waitFor();
  assert.deepEqual(await barriers(page), []);
  await server.up();
  await legs().first().waitFor({ timeout: 60_000 });
}, ["ERR_CONNECTION_REFUSED", "WebSocket", "502", "ERR_"]);

part("a session that is over is begun anew, and the view is kept", async () => {
  await page.context().clearCookies();
  await page.getByTestId("history-from").fill(dateOf(begin - DAY));
  await page.getByText("The session is over. Log in again to go on.").waitFor();
  await page.locator("dialog input[name=password]").waitFor();
  await page.locator("dialog input[name=password]").fill(password);
  await page.keyboard.press("Enter");
  await page.getByText("No positions were recorded in this time.").waitFor();
  assert.equal(query().get("h"), dateOf(begin - DAY));
}, ["401"]);
