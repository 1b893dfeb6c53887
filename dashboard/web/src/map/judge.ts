// Judges whether a street map can be drawn at all.

import type { Map as MapLibre } from "maplibre-gl";
import type { Streets } from "./streets";
import { STREETS } from "./archive-style";

const GIVE_UP = 4;
const JUDGED_MS = 500;

/** A missing tile is nothing; a street map of which no tile arrives at all is given up. */
export class StreetsJudge {
  #drawn = 0;
  #failed = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param shown whether anything is drawn on the map, so that it is looked at where it matters */
  constructor(
    private readonly map: MapLibre,
    private readonly shown: () => boolean,
    private readonly giveUp: () => void,
  ) {
    map.on("sourcedata", (e) => {
      if (e.sourceId === STREETS && e.tile) this.#drawn++;
    });
    map.on("error", (e) => {
      if ((e as { sourceId?: string }).sourceId !== STREETS) return console.warn(e.error.message);
      this.#failed++;
      if (this.#drawn === 0 && this.#failed >= GIVE_UP) this.giveUp();
    });
  }

  /** Begins anew, with another street map or none. */
  watch(streets: Streets | null): void {
    this.#drawn = this.#failed = 0;
    clearInterval(this.#timer);
    if (streets?.kind === "raster") this.#timer = setInterval(() => this.#judge(), JUDGED_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * MapLibre calls a tile that is "not found" no error and draws nothing anew for it, so that no event tells of it.
   * If all are where the people are, there is no street map.
   */
  #judge(): void {
    if (this.#drawn > 0) return this.stop();
    if (!this.shown() || this.map.isMoving()) return;
    if (this.map.getSource(STREETS) && this.map.isSourceLoaded(STREETS)) this.giveUp();
  }
}
