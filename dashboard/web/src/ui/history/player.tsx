// The player: play and pause, speed, and a slider over the day's trips, stops and gaps.

import { speed, timeOfDay } from "../../core/format";
import { SPEEDS } from "../../core/replay";
import { extent, type Track } from "../../core/track";
import type { History } from "../../history";
import { dayOf } from "./panel";
import { PauseIcon, PlayIcon } from "../icons";

const STEP_MS = 15_000;

export function Player({ model }: { model: History }) {
  const track = model.track.value;
  const ends = track && extent(track);
  if (!track || !ends) return null;
  const time = model.time.value;
  const several = model.shown.value.length > 1;
  const playing = model.playing.value;
  return (
    <section class="player" aria-label="Replay">
      <button class="player-play" aria-label={playing ? "Pause" : "Play"} title={playing ? "Pause (space)" : "Play (space)"} onClick={() => model.toggle()}>
        {playing ? <PauseIcon /> : <PlayIcon />}
      </button>
      <div class="player-clock">
        <strong class="num" data-testid="replay-time">{timeOfDay(time, true)}</strong>
        <span>{several ? dayOf(time) : doing(model, track)}</span>
      </div>
      <div class="player-track">
        <div class="player-legs" aria-hidden="true">
          {track.legs.map((leg) => (
            <i key={leg.from} class={`leg-${leg.kind}`} style={{ left: `${part(ends, leg.from)}%`, width: `${part(ends, leg.to) - part(ends, leg.from)}%` }} />
          ))}
        </div>
        <input
          type="range" min={ends.from} max={ends.to} step={STEP_MS} value={time} aria-label="Moment"
          aria-valuetext={`${several ? `${dayOf(time)}, ` : ""}${timeOfDay(time, true)}, ${doing(model, track)}`}
          onKeyDown={(e) => {
            if (e.key !== " ") return;
            e.preventDefault();
            model.toggle();
          }}
          onInput={(e) => {
            model.pause();
            model.seek(Number(e.currentTarget.value));
          }}
        />
      </div>
      <label class="player-speed">
        <span class="visually-hidden">Speed of the replay</span>
        <select value={model.speed.value} onChange={(e) => (model.speed.value = Number(e.currentTarget.value) as (typeof SPEEDS)[number])}>
          {SPEEDS.map((s) => <option key={s} value={s}>{s}×</option>)}
        </select>
      </label>
    </section>
  );
}

const part = (ends: { from: number; to: number }, time: number): number => (100 * (time - ends.from)) / Math.max(1, ends.to - ends.from);

/** What the person did at the moment that is shown. */
function doing(model: History, track: Track): string {
  const moment = model.moment.value;
  const leg = moment && track.legs[moment.leg];
  if (!leg) return "";
  const quick = model.skipping.value ? ", skipped" : "";
  if (leg.kind === "stop") return `stop${quick}`;
  if (leg.kind === "gap") return `no positions${quick}`;
  return moment.speedMps === null ? "on the way" : speed(Math.max(0, moment.speedMps));
}
