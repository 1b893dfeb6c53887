// Light, dark, or what the system says.

import { computed, effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const KEY = "fieldcast.theme";

const stored = localStorage.getItem(KEY);
export const theme = signal<Theme>(stored === "light" || stored === "dark" ? stored : "system");

const dark = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(dark.matches);
dark.addEventListener("change", (e) => (systemDark.value = e.matches));

/** What is shown. */
export const shade = computed<"light" | "dark">(() => {
  if (theme.value === "system") return systemDark.value ? "dark" : "light";
  return theme.value;
});

const motion = matchMedia("(prefers-reduced-motion: reduce)");
export const reducedMotion = (): boolean => motion.matches;

/** Keeps the document in step with the theme. */
export function watchTheme(): void {
  effect(() => {
    document.documentElement.dataset.theme = shade.value;
    localStorage.setItem(KEY, theme.value);
  });
}
