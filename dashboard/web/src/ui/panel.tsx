// The list beside the map (on a phone: the sheet over it): search, counters that filter, people.

import { useEffect, useRef, useState } from "preact/hooks";
import { integer } from "../core/format";
import { FILTERS, ORDERS, type Filter, type Order } from "../core/list";
import { shortcuts } from "../preferences";
import type { Roster } from "../roster";
import type { Store } from "../store";
import { CloseIcon, SearchIcon } from "./icons";
import { PeopleList } from "./people-list";
import { TeamBar } from "./team-bar";
import { FILTER_WORDS, ORDER_WORDS } from "./words";

export function Panel({ store, roster, onPick }: { store: Store; roster: Roster; onPick: (id: string) => void }) {
  const [active, setActive] = useState<string | null>(null);
  const ids = roster.ids.value;

  const move = (by: number) => {
    const at = active === null ? -1 : ids.indexOf(active);
    const to = at < 0 ? (by > 0 ? 0 : ids.length - 1) : Math.min(ids.length - 1, Math.max(0, at + by));
    setActive(ids[to] ?? null);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.target instanceof Element && e.target.closest("button, select")) return; // they have keys of their own
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    const inSearch = e.target instanceof HTMLInputElement;
    if (e.key in steps) move(steps[e.key] ?? 0);
    else if (!inSearch && e.key === "Home") setActive(ids[0] ?? null);
    else if (!inSearch && e.key === "End") setActive(ids.at(-1) ?? null);
    else if (e.key === "Enter" && ids.length) onPick(active !== null && ids.includes(active) ? active : (ids[0] ?? ""));
    else return;
    e.preventDefault();
  };

  return (
    <div class="panel" onKeyDown={onKeyDown}>
      <Search store={store} active={active !== null && ids.includes(active) ? active : null} listed={ids.length > 0} />
      <Counters store={store} />
      <TeamBar store={store} />
      <div class="list-head">
        <span>{integer(store.listed.value.length)} {store.listed.value.length === 1 ? "person" : "people"}</span>
        {store.box.value && (
          <label class="in-view">
            <input type="checkbox" checked={store.onlyInView.value} onChange={(e) => (store.onlyInView.value = e.currentTarget.checked)} />
            In view <span class="num">{integer(store.inView.value.length)}</span>
          </label>
        )}
        <label>
          <span class="visually-hidden">Sort by</span>
          <select value={store.order.value} onChange={(e) => (store.order.value = e.currentTarget.value as Order)}>
            {ORDERS.map((o) => <option key={o} value={o}>{ORDER_WORDS[o]}</option>)}
          </select>
        </label>
      </div>
      {ids.length > 0 ? (
        <PeopleList store={store} roster={roster} active={active} onPick={(id) => { setActive(id); onPick(id); }} />
      ) : (
        <Empty store={store} />
      )}
    </div>
  );
}

function Search({ store, active, listed }: { store: Store; active: string | null; listed: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (e: KeyboardEvent) => {
      if (e.key !== "/" || !shortcuts.value || e.ctrlKey || e.metaKey || e.altKey || isTyping(e.target)) return;
      e.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    document.addEventListener("keydown", focus);
    return () => document.removeEventListener("keydown", focus);
  }, []);
  const clear = () => {
    store.query.value = "";
    input.current?.focus();
  };
  return (
    <div class="search">
      <SearchIcon />
      <input
        ref={input}
        type="text"
        role="searchbox"
        placeholder={store.teams.value.length ? "Search name, ID or team" : "Search name or ID"}
        aria-label={store.teams.value.length ? "Search people by name, ID or team" : "Search people by name or ID"}
        aria-controls={listed ? "people" : undefined}
        aria-activedescendant={active === null ? undefined : `row-${active}`}
        autocomplete="off"
        spellcheck={false}
        value={store.query.value}
        onInput={(e) => (store.query.value = e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key !== "Escape") return;
          e.stopPropagation();
          if (store.query.value) store.query.value = "";
          else e.currentTarget.blur();
        }}
      />
      {store.query.value ? <button class="icon-button" aria-label="Clear search" onClick={clear}><CloseIcon /></button> : <kbd aria-hidden="true">/</kbd>}
    </div>
  );
}

/** Reports whether keys go into a field, where a single letter is a letter and no command. */
export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

function Counters({ store }: { store: Store }) {
  const counts = store.counts.value;
  const button = (f: Filter) => (
    <button key={f} class={`counter counter-${f}`} aria-pressed={store.filter.value === f} onClick={() => (store.filter.value = f)} data-filter={f}>
      <span class={counts.all >= 10_000 ? "counter-n num is-long" : "counter-n num"}>{integer(counts[f])}</span>
      <span class="counter-word">{FILTER_WORDS[f]}</span>
    </button>
  );
  // People who never reported are rare; without them there is more room for the five that matter.
  const shown = FILTERS.filter((f) => f !== "never" || counts.never > 0 || store.filter.value === "never");
  return <div class="counters" data-columns={shown.length} role="group" aria-label="Filter by state">{shown.map(button)}</div>;
}

function Empty({ store }: { store: Store }) {
  const company = store.identity.value?.company || "COMPANY";
  if (!store.loaded.value) return <div class="skeleton" aria-label="Loading people">{Array.from({ length: 7 }, (_, i) => <div key={i} />)}</div>;
  if (store.people === 0) {
    return (
      <div class="empty">
        <h2>Nobody is enrolled yet</h2>
        <p>Add a person where the server runs. It prints the credentials and an enrolment link for the phone:</p>
        <code>fieldcast employee add {company} e1 --name "Asha Rao"</code>
        <p>Open the link on the phone with OwnTracks installed: it fills in all settings. By hand, they are:</p>
        <dl class="phone-settings">
          <div><dt>Mode</dt><dd>MQTT</dd></div>
          <div><dt>Host</dt><dd>{location.hostname}, unless the command prints another</dd></div>
          <div><dt>Port, TLS</dt><dd>as the command prints</dd></div>
          <div><dt>User name</dt><dd>e1@{company}</dd></div>
          <div><dt>Client ID</dt><dd>{company}-e1</dd></div>
          <div><dt>Password</dt><dd>printed once by the command</dd></div>
        </dl>
        <p>The person appears here when the phone connects, and on the map with the first position.</p>
      </div>
    );
  }
  const clear = () => {
    store.query.value = "";
    store.filter.value = "all";
    store.team.value = null;
    store.onlyInView.value = false;
  };
  return (
    <div class="empty">
      <h2>Nobody matches</h2>
      <p>{nobody(store)}</p>
      <button class="pill" onClick={clear}>Clear filters</button>
    </div>
  );
}

/** Why nobody is listed, by what was asked for. */
function nobody(store: Store): string {
  const { query, filter, team } = store;
  if (store.matching.value.length) return "All who match are outside the part of the map that is seen.";
  const narrowed = filter.value !== "all" || team.value !== null;
  if (query.value) return `No name or ID${store.teams.value.length ? " or team" : ""} contains “${query.value}”${narrowed ? " in this filter" : ""}.`;
  if (team.value === null) return `Nobody is “${FILTER_WORDS[filter.value]}” at the moment.`;
  const of = team.value === "" ? "without a team" : `in team “${store.teams.value.find((t) => t.key === team.value)?.name ?? team.value}”`;
  return filter.value === "all" ? `Nobody is ${of}.` : `Nobody ${of} is “${FILTER_WORDS[filter.value]}” at the moment.`;
}
