// What a person has chosen for this browser; remembered in it.

import { effect, signal } from "@preact/signals";
import { write } from "./core/format";
import { readStyle, usualStyle, type Style } from "./core/style";

const STYLE = "fieldcast.style";
const GROUPED = "fieldcast.grouped";
const SHORTCUTS = "fieldcast.shortcuts";

export const style = signal<Style>(readStyle(localStorage.getItem(STYLE), usualStyle(navigator.languages)));
/** Whether single letters do something (WCAG 2.1.4 wants that they can be turned off). */
export const shortcuts = signal(localStorage.getItem(SHORTCUTS) !== "off");

/** Whether the list has a heading for each team. */
export const grouped = signal(localStorage.getItem(GROUPED) === "on");

/** Keeps what is written, and what is remembered, in step with what is chosen. */
export function watchPreferences(): void {
  effect(() => {
    write(style.value);
    localStorage.setItem(STYLE, JSON.stringify(style.value));
  });
  effect(() => localStorage.setItem(GROUPED, grouped.value ? "on" : "off"));
  effect(() => localStorage.setItem(SHORTCUTS, shortcuts.value ? "on" : "off"));
}
