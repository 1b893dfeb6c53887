// Beside the map: whose history it is, of which days, its timeline, and the days around.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { dateIn, dayText, missingText } from "../../core/day";
import { distance, duration, speed, timeOfDay } from "../../core/format";
import { sort } from "../../core/list";
import { dateText, shift, withFrom, withTo, type Period } from "../../core/period";
import type { Leg, Track } from "../../core/track";
import type { History } from "../../history";
import { style } from "../../preferences";
import type { Store } from "../../store";
import { BackIcon, CloseIcon, DownloadIcon, ForwardIcon } from "../icons";

/** Beyond this a list to choose from is no help: the live view's search is. */
const MOST_CHOICES = 1_000;
const FORMATS: readonly [string, string, string][] = [
  ["gpx", "GPX", "for navigation and sports programs"],
  ["geojson", "GeoJSON", "for maps and programs"],
  ["kml", "KML", "for Google Earth"],
  ["csv", "CSV", "for spreadsheets"],
  ["ndjson", "NDJSON", "one fix a line"],
];

interface Props {
  readonly store: Store;
  readonly model: History;
  readonly chosen: number;
  readonly onChoose: (leg: number) => void;
  readonly onClose: () => void;
}

export function HistoryPanel({ store, model, chosen, onChoose, onClose }: Props) {
  const [tab, setTab] = useState<"way" | "days">("way");
  const status = model.status.value;
  const entry = store.chosen.value;
  const name = entry?.person.name || store.selected.value || "History";
  return (
    <div class="history-panel" data-testid="history-panel" data-status={status.name}>
      <header class="history-head">
        <div>
          <p class="history-kind">History</p>
          <h2 id="history-title" tabIndex={-1}>{name}</h2>
        </div>
        <button class="icon-button" aria-label="Back to the live view" title="Back to the live view (Esc)" onClick={onClose}><CloseIcon /></button>
      </header>
      <Who store={store} />
      {store.history.value && <When store={store} model={model} />}
      <div class="segments history-tabs" role="group" aria-label="What is listed">
        <label><input type="radio" name="history-tab" checked={tab === "way"} onChange={() => setTab("way")} /><span>Timeline</span></label>
        <label><input type="radio" name="history-tab" checked={tab === "days"} onChange={() => setTab("days")} /><span>Days</span></label>
      </div>
      <div class="history-body" aria-busy={status.name === "loading"}>
        {tab === "days" ? <Days store={store} model={model} onPick={() => setTab("way")} /> : <Way model={model} store={store} chosen={chosen} onChoose={onChoose} />}
      </div>
      <Exports model={model} />
    </div>
  );
}

function Who({ store }: { store: Store }) {
  const entries = store.entries.value;
  if (entries.size > MOST_CHOICES) return null;
  const people = sort([...entries.values()], "name", (id) => store.ranks.value.get(id) ?? 0);
  return (
    <label class="history-field">
      <span>Person</span>
      <select data-testid="history-person" value={store.selected.value ?? ""} onChange={(e) => store.select(e.currentTarget.value || null)}>
        {!store.selected.value && <option value="">Choose somebody…</option>}
        {people.map(({ person }) => <option key={person.id} value={person.id}>{person.name || person.id}</option>)}
      </select>
    </label>
  );
}

function When({ store, model }: { store: Store; model: History }) {
  const period = store.history.value;
  if (!period) return null;
  const today = model.today();
  const set = (p: Period) => (store.history.value = p);
  const from = (date: string) => date && set(period.from === period.to ? { from: date, to: date } : withFrom(period, date)); // one day stays one
  return (
    <div class="history-when">
      <button class="icon-button" aria-label="Earlier" title="Earlier" onClick={() => set(shift(period, -1, today))}><BackIcon /></button>
      <label><span class="visually-hidden">From</span><input type="date" data-testid="history-from" value={period.from} max={today} required onChange={(e) => from(e.currentTarget.value)} /></label>
      <span class="dim">to</span>
      <label><span class="visually-hidden">To</span><input type="date" data-testid="history-to" value={period.to} max={today} required onChange={(e) => e.currentTarget.value && set(withTo(period, e.currentTarget.value))} /></label>
      <button class="icon-button" aria-label="Later" title="Later" disabled={period.to >= today} onClick={() => set(shift(period, 1, today))}><ForwardIcon /></button>
    </div>
  );
}

function Way({ store, model, chosen, onChoose }: Omit<Props, "onClose">) {
  const status = model.status.value;
  const track = model.track.value;
  if (status.name === "nobody") return <Note title="Whose history?">Choose a person above, or in the live view.</Note>;
  if (status.name === "failed") {
    return <Note title="The history cannot be shown">{status.problem}<button class="pill" onClick={() => model.retry()}>Try again</button></Note>;
  }
  if (!track) return <div class="skeleton" aria-label="Loading">{[1, 2, 3, 4].map((n) => <div key={n} />)}</div>;
  if (track.legs.length === 0) return <Nothing store={store} model={model} track={track} />;
  return (
    <>
      <Figures track={track} />
      <Legs model={model} track={track} chosen={chosen} onChoose={onChoose} />
    </>
  );
}

function Nothing({ store, model, track }: { store: Store; model: History; track: Track }) {
  const period = store.history.value;
  const other = model.days.value.find((d) => d.fixes > 0 && (!period || d.date < period.from || d.date > period.to));
  const why = track.fixes > 0 ? `${track.fixes} positions, all of them too inaccurate to draw a way from.` : "No positions were recorded in this time.";
  return (
    <Note title="Nothing here">
      {why}
      {other && <button class="pill" onClick={() => (store.history.value = { from: other.date, to: other.date })}>Show {dateText(other.date, model.today())}</button>}
    </Note>
  );
}

function Note({ title, children }: { title: string; children: ComponentChildren }) {
  return <div class="empty" role="status"><h2>{title}</h2><div class="history-note">{children}</div></div>;
}

function Figures({ track }: { track: Track }) {
  return (
    <dl class="figures" data-testid="history-figures">
      <div><dt>Distance</dt><dd>{distance(track.distanceM)}</dd></div>
      <div><dt>Moving</dt><dd>{duration(track.movingS)}</dd></div>
      <div><dt>Stopped</dt><dd>{duration(track.stoppedS)}</dd></div>
      <div><dt>Fixes</dt><dd>{track.fixes}</dd></div>
    </dl>
  );
}

function Legs({ model, track, chosen, onChoose }: { model: History; track: Track; chosen: number; onChoose: (leg: number) => void }) {
  const list = useRef<HTMLOListElement>(null);
  const now = model.moment.value?.leg ?? -1;
  const playing = model.playing.value;
  useEffect(() => {
    if (playing) list.current?.querySelector(".is-now")?.scrollIntoView({ block: "nearest" });
  }, [now, playing]);
  let stop = 0;
  let before = "";
  return (
    <ol class="legs" ref={list} data-testid="legs">
      {track.legs.map((leg, i) => {
        if (leg.kind === "stop") stop++;
        const date = dayOf(leg.from);
        const head = model.shown.value.length > 1 && date !== before;
        before = date;
        return (
          <li key={leg.from} data-kind={leg.kind}>
            {head && <h3>{date}</h3>}
            <button class={`leg ${i === now ? "is-now" : ""}`} aria-pressed={i === chosen} aria-current={i === now ? "step" : undefined} onClick={() => onChoose(i)}>
              <span class="leg-time num">{timeOfDay(leg.from)}</span>
              <span class={`leg-mark mark-${leg.kind}`} aria-hidden="true">{leg.kind === "stop" ? stop : ""}</span>
              <span class="leg-words"><b>{title(leg, stop)}</b><span>{detail(leg)}</span></span>
            </button>
          </li>
        );
      })}
    </ol>
  );
}

const title = (leg: Leg, stop: number): string => ({ trip: `Trip, ${distance(leg.distanceM)}`, stop: `Stop ${stop}`, gap: "No positions" })[leg.kind];

function detail(leg: Leg): string {
  const until = `${duration(leg.durationS)}, until ${timeOfDay(leg.to)}`;
  if (leg.kind === "gap") return `${until} · ${distance(leg.distanceM)} apart, not counted`;
  if (leg.kind === "stop") return leg.silentS >= 60 ? `${until} · silent for ${duration(leg.silentS)}` : until;
  const fastest = leg.points.reduce((most, p) => Math.max(most, p.speedMps ?? 0), 0);
  return fastest > 0 ? `${until} · up to ${speed(fastest).replace(" ", "\u00a0")}` : until;
}

function Days({ store, model, onPick }: { store: Store; model: History; onPick: () => void }) {
  const days = model.days.value;
  const today = model.today();
  const period = store.history.value;
  if (days.length === 0) return <div class="skeleton" aria-label="Loading">{[1, 2, 3, 4].map((n) => <div key={n} />)}</div>;
  const most = Math.max(1, ...days.map((d) => d.distanceM));
  return (
    <ol class="days" data-testid="days">
      {days.map((day) => {
        const shown = period !== null && day.date >= period.from && day.date <= period.to;
        const missing = missingText(day);
        return (
          <li key={day.date}>
            <button
              class={`day ${day.fixes === 0 ? "is-empty" : ""}`} aria-pressed={shown}
              onClick={() => {
                store.history.value = { from: day.date, to: day.date };
                onPick();
              }}
            >
              <b>{dateText(day.date, today)}</b>
              <span>{dayText(day)}</span>
              {missing && <span class="dim">{missing}</span>}
              <i style={{ width: `${(100 * day.distanceM) / most}%` }} aria-hidden="true" />
            </button>
          </li>
        );
      })}
    </ol>
  );
}

function Exports({ model }: { model: History }) {
  const menu = useRef<HTMLDetailsElement>(null);
  const track = model.track.value;
  if (!track || track.fixes === 0) return null;
  const close = () => menu.current?.removeAttribute("open");
  return (
    <details
      class="exports" ref={menu}
      onKeyDown={(e) => {
        if (e.key !== "Escape" || !menu.current?.open) return;
        e.preventDefault();
        e.stopPropagation();
        close();
        menu.current.querySelector("summary")?.focus();
      }}
    >
      <summary><DownloadIcon />Download</summary>
      <ul>
        {FORMATS.map(([format, word, use]) => (
          <li key={format}><a href={model.exportAddress(format) ?? "#"} download data-format={format} onClick={close}><b>{word}</b><span>{use}</span></a></li>
        ))}
      </ul>
    </details>
  );
}

/** The day of a moment, in words. */
export function dayOf(ms: number): string {
  const today = dateIn(style.value.zone, Date.now());
  return dateText(dateIn(style.value.zone, ms), today);
}
