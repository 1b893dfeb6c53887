// Settings of this browser: appearance, units, clock, time zone, keys.

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { zones, type Clock, type Units } from "../core/style";
import { borders, plain, streetsState } from "../base-map";
import { shortcuts, style } from "../preferences";
import { theme, type Theme } from "../theme";
import { CloseIcon } from "./icons";

const THEMES: readonly [Theme, string][] = [["system", "As the system"], ["light", "Light"], ["dark", "Dark"]];
const UNITS: readonly [Units, string][] = [["metric", "Kilometres"], ["imperial", "Miles"]];
const CLOCKS: readonly [Clock, string][] = [["language", "Usual"], ["24", "24 hours"], ["12", "12 hours"]];
const KEYS: readonly [string, string][] = [["/", "search"], ["↑ ↓ Enter", "choose in the list"], ["F", "follow"], ["Ctrl K or ⌘K", "go to a person, do something"], ["?", "settings"], ["Esc", "close"]];

export function Settings({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="settings"
      aria-labelledby="settings-title"
      onClose={onClose}
      onKeyDown={(e) => e.stopPropagation()}
      onClick={(e) => e.target === e.currentTarget && e.currentTarget.close()}
    >
      <header>
        <h2 id="settings-title">Settings</h2>
        <button class="icon-button" aria-label="Close settings" onClick={() => dialog.current?.close()}><CloseIcon /></button>
      </header>
      <div class="settings-body">
        <Choice name="Appearance" options={THEMES} value={theme.value} onChange={(v) => (theme.value = v)} />
        <Choice name="Distance and speed" options={UNITS} value={style.value.units} onChange={(units) => (style.value = { ...style.value, units })} />
        <Choice name="Clock" options={CLOCKS} value={style.value.clock} onChange={(clock) => (style.value = { ...style.value, clock })} />
        <Zone />
        <BelowPeople />
        <fieldset>
          <legend>Keyboard</legend>
          <label class="check">
            <input type="checkbox" checked={shortcuts.value} onChange={(e) => (shortcuts.value = e.currentTarget.checked)} />
            Single keys do something
          </label>
          <dl class={shortcuts.value ? "keys" : "keys is-off"}>
            {KEYS.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}
          </dl>
        </fieldset>
      </div>
      <p class="settings-note">Remembered in this browser.</p>
    </dialog>
  );
}

interface ChoiceProps<T extends string> {
  readonly name: string;
  readonly options: readonly (readonly [T, ComponentChildren])[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}

function Choice<T extends string>({ name, options, value, onChange }: ChoiceProps<T>) {
  return (
    <fieldset>
      <legend>{name}</legend>
      <div class="segments">
        {options.map(([option, word]) => (
          <label key={option}>
            <input type="radio" name={name} checked={option === value} onChange={() => onChange(option)} />
            <span>{word}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** The map below the people. */
function BelowPeople() {
  const there = streetsState.value === "there" || streetsState.value === "failed";
  return (
    <fieldset>
      <legend>Map</legend>
      {there && (
        <label class="check">
          <input type="checkbox" checked={!plain.value} onChange={(e) => (plain.value = !e.currentTarget.checked)} />
          Streets
        </label>
      )}
      <label class="check">
        <input type="checkbox" checked={borders.value} onChange={(e) => (borders.value = e.currentTarget.checked)} />
        Borders of countries
      </label>
    </fieldset>
  );
}

function Zone() {
  const all = useMemo(zones, []);
  const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <fieldset>
      <legend id="zone-title">Time zone</legend>
      <select aria-labelledby="zone-title" value={style.value.zone} onChange={(e) => (style.value = { ...style.value, zone: e.currentTarget.value })}>
        <option value="">This device’s ({own.replaceAll("_", " ")})</option>
        {all.map((z) => <option key={z} value={z}>{z.replaceAll("_", " ")}</option>)}
      </select>
    </fieldset>
  );
}
