// What the address bar holds: who is selected, what is listed, where the map is. A copied address shows the same.

import { FILTERS, type Filter } from "./list";
import { formatPeriod, parsePeriod, type Period } from "./period";
import { teamKey } from "./team";

export interface View {
  readonly selected: string | null;
  readonly filter: Filter;
  /** The team that is shown, by its key; "" is people without one, null everybody. */
  readonly team: string | null;
  readonly query: string;
  readonly camera: Camera | null;
  /** The days whose history is shown; null while the live view is. */
  readonly history: Period | null;
}

export interface Camera {
  readonly lat: number;
  readonly lon: number;
  readonly zoom: number;
}

/** Reads a query string. What makes no sense is left out. */
export function parseView(search: string): View {
  const p = new URLSearchParams(search);
  return {
    selected: p.get("p") || null,
    filter: FILTERS.find((f) => f === p.get("f")) ?? "all",
    team: teamKey(p.get("team")),
    query: p.get("q") ?? "",
    camera: parseCamera(p.get("at")),
    history: parsePeriod(p.get("h")),
  };
}

function parseCamera(text: string | null): Camera | null {
  const [lat, lon, zoom] = (text ?? "").split(",").map((n) => (n.trim() === "" ? NaN : Number(n)));
  if (lat === undefined || lon === undefined || zoom === undefined) return null;
  if (!(Math.abs(lat) <= 85 && Math.abs(lon) <= 360 && zoom >= 0 && zoom <= 22)) return null;
  return { lat, lon, zoom };
}

/** Writes a query string, with the question mark, or "" if there is nothing to say. */
export function formatView(view: View): string {
  const p = new URLSearchParams();
  if (view.selected) p.set("p", view.selected);
  if (view.history) p.set("h", formatPeriod(view.history));
  if (view.filter !== "all") p.set("f", view.filter);
  if (view.team !== null) p.set("team", view.team);
  if (view.query) p.set("q", view.query);
  if (view.camera) {
    const { lat, lon, zoom } = view.camera;
    p.set("at", `${lat.toFixed(5)},${lon.toFixed(5)},${zoom.toFixed(2)}`);
  }
  const text = p.toString().replaceAll("%2C", ",").replaceAll("%40", "@");
  return text ? `?${text}` : "";
}
