// The rows. Only those in view exist, so 5,000 people cost as much as twenty.

import { memo } from "preact/compat";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Entry } from "../core/list";
import type { Roster } from "../roster";
import type { Store } from "../store";
import { Battery } from "./card";
import { StateGlyph } from "./icons";
import { ageText, LOW_BATTERY_PCT, motionText, nameOf, stateWord } from "./words";

const ROW_PX = 58;
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
  useEffect(() => scrollTo(box.current, ids.indexOf(active ?? "")), [active]);
  useEffect(() => scrollTo(box.current, ids.indexOf(selected ?? "")), [selected]);

  const from = Math.max(0, Math.floor(top / ROW_PX) - SPARE_ROWS);
  const to = Math.min(ids.length, Math.ceil((top + height) / ROW_PX) + SPARE_ROWS);
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
      <div class="people-space" style={{ height: `${ids.length * ROW_PX}px` }}>
        {ids.slice(from, to).map((id, i) => {
          const entry = entries.get(id);
          if (!entry) return null;
          return (
            <Row
              key={id}
              entry={entry}
              age={ageText(entry, now)}
              place={from + i}
              total={ids.length}
              selected={id === selected}
              active={id === active}
              frozen={frozen}
              onPick={onPick}
            />
          );
        })}
      </div>
    </div>
  );
}

function scrollTo(box: HTMLElement | null, index: number): void {
  if (!box || index < 0) return;
  const top = index * ROW_PX;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + ROW_PX > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW_PX - box.clientHeight;
}

interface RowProps {
  readonly entry: Entry;
  readonly age: string;
  readonly place: number;
  readonly total: number;
  readonly selected: boolean;
  readonly active: boolean;
  readonly frozen: boolean;
  readonly onPick: (id: string) => void;
}

const Row = memo(function Row({ entry, age, place, total, selected, active, frozen, onPick }: RowProps) {
  const { person, state } = entry;
  const motion = motionText(entry);
  const battery = person.fix?.batteryPct ?? null;
  return (
    <div
      id={`row-${person.id}`}
      class={`row state-${state} ${selected ? "is-selected" : ""} ${active ? "is-active" : ""}`}
      style={{ transform: `translateY(${place * ROW_PX}px)` }}
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
      <span class="row-state"><b>{stateWord(entry, frozen)}</b>{motion && <span class="num">{motion}</span>}</span>
      <span class={battery !== null && battery <= LOW_BATTERY_PCT ? "row-batt is-low" : "row-batt"}>
        {battery !== null && <Battery pct={battery} charging={person.fix?.charging ?? null} />}
      </span>
    </div>
  );
}, sameRow);

function sameRow(a: RowProps, b: RowProps): boolean {
  return (
    a.entry.person === b.entry.person && a.entry.state === b.entry.state && a.age === b.age && a.place === b.place &&
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
