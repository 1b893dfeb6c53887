// Everything that is known of the person who is selected.

import type { ComponentChildren } from "preact";
import { dayText, missingText } from "../core/day";
import { age, clockTime, coordinates, distance, height, networkWord, qualityWords, speed, windWord } from "../core/format";
import type { Entry } from "../core/list";
import { intervalOf, MOVING_MPS, newestSign } from "../core/person";
import { today } from "../past";
import type { Store } from "../store";
import { CopyButton } from "./copy";
import { BatteryIcon, BoltIcon, CloseIcon, FollowIcon, HistoryIcon, StateGlyph, WarnIcon } from "./icons";
import { ShareButton } from "./share-button";
import { LOW_BATTERY_PCT, nameOf, stateWord } from "./words";

export function Card({ store, onHistory }: { store: Store; onHistory: () => void }) {
  const entry = store.chosen.value;
  if (!entry) return null;
  const now = store.now.value;
  const { person } = entry;
  return (
    <section class="card" aria-label={`Details of ${nameOf(entry)}`} data-testid="card">
      <header class="card-head">
        <div>
          <h2>{nameOf(entry)}</h2>
          <p class="card-id">{person.id}{person.team && <> · <span data-testid="team">{person.team}</span></>}{presenceText(entry, now)}</p>
        </div>
        <button class="icon-button" aria-label="Close details" onClick={() => close(store)}><CloseIcon /></button>
      </header>
      <div class={`card-state state-${entry.state}`}>
        <StateGlyph entry={entry} size={22} />
        <div>
          <strong>{stateWord(entry, store.frozen.value)}</strong>
          <span>{stateText(entry, now)}</span>
        </div>
      </div>
      {person.fix ? <Facts entry={entry} now={now} /> : <Never id={person.id} company={store.identity.value?.company ?? "COMPANY"} />}
      {person.fix && (
        <footer class="card-actions">
          <button class={`pill ${store.follow.value ? "is-on" : ""}`} aria-pressed={store.follow.value} onClick={() => (store.follow.value = !store.follow.value)}>
            <FollowIcon />{store.follow.value ? "Following" : "Follow"}
          </button>
          <button class="pill" data-testid="history" onClick={onHistory}><HistoryIcon />History</button>
          <CopyButton text={coordinates(person.fix.lat, person.fix.lon)} label="Copy" of="coordinates" />
          <ShareButton store={store} employee={person.id} name={nameOf(entry)} />
        </footer>
      )}
    </section>
  );
}

/** Closes the card and gives the focus, which would be lost with it, back to the list. */
export function close(store: Store): void {
  const inside = Boolean(document.activeElement?.closest(".card"));
  store.select(null);
  if (inside) requestAnimationFrame(() => document.getElementById("people")?.focus());
}

function presenceText({ person }: Entry, now: number): string {
  if (!person.presence) return "";
  const since = person.presenceSince ? ` ${person.presence === "online" ? "for" : "since"} ${age(now - person.presenceSince)}` : "";
  return person.presence === "online" ? ` · phone connected${since}` : ` · phone disconnected${since ? `${since} ago`.replace("since ", "") : ""}`;
}

/** The state in a sentence, so that silence has a reason. */
function stateText({ person, state, moving }: Entry, now: number): string {
  const { fix } = person;
  if (!fix) return "This phone has not sent a position yet.";
  const ago = age(now - newestSign(fix));
  const expected = age(intervalOf(person) * 1000);
  switch (state) {
    case "live":
      if (!moving) return `Standing still · ${ago} ago`;
      return `${speed(fix.speedMps ?? 0)}${fix.courseDeg === null ? "" : `, heading ${windWord(fix.courseDeg)}`} · ${ago} ago`;
    case "late":
      return `Last report ${ago} ago; usually every ${expected}`;
    case "offline":
      return `Last report ${ago} ago`;
    default:
      return `Outside working hours · ${ago} ago`;
  }
}

function Facts({ entry, now }: { entry: Entry; now: number }) {
  const fix = entry.person.fix;
  if (!fix) return null;
  const delayS = (fix.receivedAt - fix.recordedAt) / 1000;
  const quality = qualityWords(fix.quality);
  return (
    <>
      {quality.length > 0 && <div class="note">{quality.map((q) => <p key={q}><WarnIcon /> {q}</p>)}</div>}
      <dl class="facts">
        <Fact name="Position" wide><span class="num select-all">{coordinates(fix.lat, fix.lon)}</span></Fact>
        <Fact name="Accuracy">{fix.accuracyM === null ? <Unknown /> : `± ${distance(fix.accuracyM)}`}</Fact>
        <Fact name="Speed">{fix.speedMps === null ? <Unknown /> : speed(fix.speedMps < 0 ? 0 : fix.speedMps)}</Fact>
        <Fact name="Heading">
          {fix.courseDeg === null || (fix.speedMps ?? 0) < MOVING_MPS ? <Unknown /> : `${windWord(fix.courseDeg)}, ${Math.round(fix.courseDeg)}°`}
        </Fact>
        <Fact name="Altitude">{fix.altitudeM === null ? <Unknown /> : height(fix.altitudeM)}</Fact>
        <Fact name="Battery"><Battery pct={fix.batteryPct} charging={fix.charging} /></Fact>
        <Fact name="Network">{fix.network ? networkWord(fix.network) : <Unknown />}</Fact>
        <Today id={entry.person.id} />
        <Fact name="Reports" wide>{pace(entry, now)}</Fact>
        <Fact name="Recorded" wide>{age(now - fix.recordedAt)} ago <span class="dim">{clockTime(fix.recordedAt, now)}</span></Fact>
        <Fact name="Received" wide>
          {age(now - fix.receivedAt)} ago <span class="dim">{delayS > 5 ? `${age(delayS * 1000)} on the way` : clockTime(fix.receivedAt, now)}</span>
        </Fact>
      </dl>
    </>
  );
}

/** How often this phone reports, which it decides itself, and how it keeps to that. */
function pace({ person, state }: Entry, now: number) {
  if (!person.fix || person.intervalS === null) return <span class="dim">not known yet how often</span>;
  const interval = intervalOf(person);
  const due = newestSign(person.fix) + interval * 1000 - now;
  const when = due >= 0 ? `next in ${age(due)}` : `${age(-due)} overdue`;
  return <>about every {age(interval * 1000)}{state !== "off_shift" && <> <span class="dim">{when}</span></>}</>;
}

function Today({ id }: { id: string }) {
  const known = today.value;
  if (known?.employee !== id) return null;
  const missing = missingText(known.day);
  return <Fact name="Today" wide>{dayText(known.day)}{missing && <span class="dim"> {missing}</span>}</Fact>;
}

function Fact({ name, wide = false, children }: { name: string; wide?: boolean; children: ComponentChildren }) {
  return <div class={wide ? "fact wide" : "fact"}><dt>{name}</dt><dd>{children}</dd></div>;
}

const Unknown = () => <span class="dim">unknown</span>;

export function Battery({ pct, charging }: { pct: number | null; charging: boolean | null }) {
  if (pct === null) return <Unknown />;
  const low = pct <= LOW_BATTERY_PCT && !charging;
  return (
    <span class={low ? "batt is-low" : "batt"}>
      <BatteryIcon pct={pct} /> <span class="num">{pct} %</span>
      {charging && <span class="charging" title="Charging"><BoltIcon /><span class="visually-hidden">charging</span></span>}
    </span>
  );
}

function Never({ id, company }: { id: string; company: string }) {
  return (
    <div class="note">
      <p>Install OwnTracks on the phone and open the enrolment link there. This prints the link, and the credentials:</p>
      <p><code>fieldcast employee add {company} {id}</code></p>
    </div>
  );
}
