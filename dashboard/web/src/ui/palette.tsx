// Everything by a few letters: Ctrl-K or ⌘K, then a person, a team, a view or a setting.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { FILTERS } from "../core/list";
import { best, type Offer } from "../core/palette";
import type { Store } from "../store";
import { theme, type Theme } from "../theme";
import { SearchIcon } from "./icons";
import { ageText, FILTER_WORDS, nameOf, NO_TEAM, stateWord } from "./words";
import "../styles/palette.css";

const SHOWN = 9;

export interface PaletteProps {
  readonly store: Store;
  readonly onClose: () => void;
  readonly onLive: () => void;
  readonly onHistory: () => void;
  readonly onSettings: () => void;
  readonly onLogout: () => void;
}

export function Palette(props: PaletteProps) {
  const { store, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  useEffect(() => dialog.current?.showModal(), []);
  const offers = useMemo(() => [...commands(props), ...people(props)], []); // of the moment it was opened: nothing moves under the eye
  const found = best(offers, query, SHOWN);
  const at = Math.min(active, found.length - 1);
  const run = (offer: Offer | undefined) => {
    if (!offer) return;
    dialog.current?.close();
    offer.run();
  };
  const onKeyDown = (e: KeyboardEvent) => {
    e.stopPropagation();
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (e.key === "Enter") run(found[at]);
    else if (step && found.length) setActive((at + step + found.length) % found.length);
    else return;
    e.preventDefault();
  };
  return (
    <dialog ref={dialog} class="palette" aria-label="Go to a person or do something" data-testid="palette" onClose={onClose} onKeyDown={onKeyDown} onClick={(e) => e.target === e.currentTarget && e.currentTarget.close()}>
      <div class="palette-search">
        <SearchIcon />
        <input
          type="text" role="combobox" aria-expanded="true" aria-controls="palette-offers" aria-activedescendant={found[at] && `offer-${at}`} aria-autocomplete="list"
          aria-label="Go to a person or do something" placeholder="Go to a person, a team, a view…" autocomplete="off" spellcheck={false} autofocus
          value={query}
          onInput={(e) => {
            setQuery(e.currentTarget.value);
            setActive(0);
          }}
        />
        <kbd aria-hidden="true">Esc</kbd>
      </div>
      <ul id="palette-offers" role="listbox" aria-label={store.people ? "People and commands" : "Commands"}>
        {found.map((offer, i) => (
          <li key={offer.id} id={`offer-${i}`} role="option" aria-selected={i === at} onClick={() => run(offer)} onPointerMove={() => setActive(i)}>
            <span>{offer.title}</span>
            <span class="dim">{offer.detail}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p class="palette-none" role="status">Nobody and nothing is called so.</p>}
    </dialog>
  );
}

function commands({ store, onLive, onHistory, onSettings, onLogout }: PaletteProps): Offer[] {
  const offers: Offer[] = [];
  const add = (id: string, title: string, detail: string, run: () => void) => offers.push({ id: `:${id}`, title, detail, run });
  const chosen = store.chosen.peek();
  if (store.history.peek()) add("live", "Live map", "view", onLive);
  else if (chosen) add("history", `History of ${nameOf(chosen)}`, "view", onHistory);
  if (chosen?.person.fix && !store.history.peek()) add("follow", `${store.follow.peek() ? "Stop following" : "Follow"} ${nameOf(chosen)}`, "on the map", () => (store.follow.value = !store.follow.peek()));
  for (const filter of FILTERS) {
    const n = store.counts.peek()[filter];
    if (filter === store.filter.peek() || (n === 0 && filter !== "all")) continue;
    add(`show-${filter}`, `Show ${FILTER_WORDS[filter].toLowerCase()}`, `filter · ${n}`, () => {
      onLive();
      store.filter.value = filter;
    });
  }
  const teams = store.teams.peek();
  if (store.team.peek() !== null) add("team-all", "Show all teams", "team", () => (store.team.value = null));
  for (const team of teams) {
    add(`team-${team.key}`, team.name || NO_TEAM, `team · ${team.people}`, () => {
      onLive();
      store.team.value = team.key;
    });
  }
  const themes: readonly [Theme, string][] = [["dark", "Dark appearance"], ["light", "Light appearance"], ["system", "Appearance as the system"]];
  for (const [value, title] of themes) if (theme.peek() !== value) add(`theme-${value}`, title, "setting", () => (theme.value = value));
  add("settings", "Settings", "units, clock, time zone, keys", onSettings);
  add("logout", "Log out", "", onLogout);
  return offers;
}

/** Everybody, whatever is filtered: who is called by name is wanted. */
function people({ store, onLive }: PaletteProps): Offer[] {
  const now = store.now.peek();
  const ranks = store.ranks.peek();
  const entries = [...store.entries.peek().values()].sort((a, b) => (ranks.get(a.person.id) ?? 0) - (ranks.get(b.person.id) ?? 0));
  return entries.map((entry) => ({
    id: entry.person.id,
    title: nameOf(entry),
    detail: [entry.person.team, stateWord(entry, store.frozen.peek()), ageText(entry, now)].filter(Boolean).join(" · "),
    run: () => {
      onLive();
      store.select(entry.person.id);
    },
  }));
}
