// Which map lies below: what the server is configured with, what has become of it, and what this browser's user wants.
// One for all maps of the page.

import { computed, effect, signal } from "@preact/signals";
import { loadStreets, type Streets } from "./map/streets";

export type StreetsState = "unknown" | "none" | "there" | "failed";

const PLAIN = "fieldcast.plain-map";
const BORDERS = "fieldcast.borders";

/** Whether the built-in map is wanted though there are streets. */
export const plain = signal(localStorage.getItem(PLAIN) === "on");
export const borders = signal(localStorage.getItem(BORDERS) !== "off");

export const streetsState = signal<StreetsState>("unknown");
const found = signal<Streets | null>(null);

/** The street map to draw; null is the built-in map. */
export const streets = computed(() => (plain.value || streetsState.value !== "there" ? null : found.value));

let asked = false;

/** Asks the server which map there is, once for the page; again if that failed. */
export async function findStreets(): Promise<void> {
  if (asked && streetsState.peek() !== "failed") return;
  asked = true;
  streetsState.value = "unknown";
  try {
    found.value = await loadStreets(document.baseURI);
    streetsState.value = found.value ? "there" : "none";
  } catch {
    streetsState.value = "failed";
  }
}

/** Says that what there is cannot be drawn. */
export function streetsFailed(): void {
  streetsState.value = "failed";
}

/** Remembers what is chosen. */
export function watchBaseMap(): void {
  effect(() => localStorage.setItem(PLAIN, plain.value ? "on" : "off"));
  effect(() => localStorage.setItem(BORDERS, borders.value ? "on" : "off"));
}
