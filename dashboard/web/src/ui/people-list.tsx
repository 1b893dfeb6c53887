// The rows. Only those in view exist, so 5,000 people cost as much as twenty.

import { memo } from "preact/compat";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { integer } from "../core/format";
import type { Entry } from "../core/list";
import { groupTop, rowTop, visible, type Group } from "../core/team";
import type { Roster } from "../roster";
import type { Store } from "../store";
import { Battery } from "./card";
import { StateGlyph } from "./icons";
import { ageText, LOW_BATTERY_PCT, motionText, nameOf, NO_TEAM, stateWord } from "./words";

const SIZES = { row: 58, head: 30 };
const SPARE_ROWS = 6;

interface Props {
  readonly store: Store;
  readonly roster: Roster;
  readonly active: string | null;
  readonly onPick: (id: string) => void;
}

export function PeopleList({ store, roster, active, onPick }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(800);
  const ids = roster.ids.value;
  const groups = roster.groups.value;
  const names = new Map(store.teams.value.map((t) => [t.key, t.name]));
  const entries = store.entries.value;
  const now = store.now.value;
  const selected = store.selected.value;
  const frozen = store.frozen.value;

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => scrollTo(box.current, groups, ids.indexOf(active ?? "")), [active]);
  useEffect(() => scrollTo(box.current, groups, ids.indexOf(selected ?? "")), [selected]);

  /** The rows of a part of the list; `first` is the one at the top of what they lie in. */
  const rows = (from: number, to: number, first: number) =>
    ids.slice(from, to).map((id, i) => {
      const entry = entries.get(id);
      if (!entry) return null;
      return (
        <Row
          key={id}
          entry={entry}
          age={ageText(entry, now)}
          top={(from + i - first) * SIZES.row + (groups.length ? SIZES.head : 0)}
          place={from + i}
          total={ids.length}
          selected={id === selected}
          active={id === active}
          frozen={frozen}
          team={groups.length === 0}
          onPick={onPick}
        />
      );
    });
  return (
    <div
      ref={box}
      id="people"
      class="people"
      role="listbox"
      aria-label="People"
      tabIndex={0}
      aria-activedescendant={active === null ? undefined : `row-${active}`}
      onScroll={(e) => setTop(e.currentTarget.scrollTop)}
      onPointerEnter={(e) => (roster.held.value = e.pointerType === "mouse")}
      onPointerLeave={() => (roster.held.value = false)}
    >
      <div class="people-space" style={{ height: `${ids.length * SIZES.row + groups.length * SIZES.head}px` }}>
        {groups.length === 0 && rows(Math.max(0, Math.floor(top / SIZES.row) - SPARE_ROWS), Math.ceil((top + height) / SIZES.row) + SPARE_ROWS, 0)}
        {visible(groups, top - SPARE_ROWS * SIZES.row, top + height + SPARE_ROWS * SIZES.row, SIZES).map(({ index, from, to }) => {
          const group = groups[index];
          if (!group) return null;
          const name = names.get(group.key) || NO_TEAM;
          const box = { top: `${groupTop(groups, index, SIZES)}px`, height: `${SIZES.head + group.count * SIZES.row}px` };
          return (
            <div key={group.key} class="team" role="group" aria-label={`${name}, ${integer(group.count)}`} style={box}>
              <div class="team-head" aria-hidden="true"><span>{name}</span><span class="num">{integer(group.count)}</span></div>
              {rows(from, to, group.from)}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function scrollTo(box: HTMLElement | null, groups: readonly Group[], index: number): void {
  if (!box || index < 0) return;
  const top = rowTop(groups, index, SIZES);
  const above = top - (groups.length ? SIZES.head : 0); // below the heading that stays in view
  if (above < box.scrollTop) box.scrollTop = above;
  else if (top + SIZES.row > box.scrollTop + box.clientHeight) box.scrollTop = top + SIZES.row - box.clientHeight;
}

interface RowProps {
  readonly entry: Entry;
  readonly age: string;
  /** Pixels below the top of what it lies in. */
  readonly top: number;
  readonly place: number;
  readonly total: number;
  readonly selected: boolean;
  readonly active: boolean;
  readonly frozen: boolean;
  /** The team stands in the row, not above it. */
  readonly team: boolean;
  readonly onPick: (id: string) => void;
}

const Row = memo(function Row({ entry, age, top, place, total, selected, active, frozen, team, onPick }: RowProps) {
  const { person, state } = entry;
  const motion = motionText(entry);
  const battery = person.fix?.batteryPct ?? null;
  return (
    <div
      id={`row-${person.id}`}
      class={`row state-${state} ${selected ? "is-selected" : ""} ${active ? "is-active" : ""}`}
      style={{ transform: `translateY(${top}px)` }}
      role="option"
      aria-selected={selected}
      aria-setsize={total}
      aria-posinset={place + 1}
      data-employee={person.id}
      onClick={() => onPick(person.id)}
    >
      <StateGlyph entry={entry} />
      <span class="row-name">{nameOf(entry)}</span>
      <span class="row-age num">{age}<PresenceDot entry={entry} /></span>
      <span class="row-state"><b>{stateWord(entry, frozen)}</b>{motion && <span class="num">{motion}</span>}{team && person.team && <span class="row-team">{person.team}</span>}</span>
      <span class={battery !== null && battery <= LOW_BATTERY_PCT ? "row-batt is-low" : "row-batt"}>
        {battery !== null && <Battery pct={battery} charging={person.fix?.charging ?? null} />}
      </span>
    </div>
  );
}, sameRow);

function sameRow(a: RowProps, b: RowProps): boolean {
  return (
    a.entry.person === b.entry.person && a.entry.state === b.entry.state && a.age === b.age && a.top === b.top && a.place === b.place && a.team === b.team &&
    a.total === b.total && a.selected === b.selected && a.active === b.active && a.frozen === b.frozen && a.onPick === b.onPick
  );
}

/** Filled: the phone is connected right now. Hollow: it is not. */
function PresenceDot({ entry }: { entry: Entry }) {
  const { presence } = entry.person;
  if (!presence) return <span class="presence" />;
  const word = presence === "online" ? "Phone connected" : "Phone not connected";
  return <span class={`presence presence-${presence}`} title={word}><span class="visually-hidden">{word}</span></span>;
}
