// The history: panel, map and player; on a phone the panel is a sheet over the map. Loaded when it is first opened.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { History } from "../../history";
import type { Insets } from "../../map/view";
import type { HistoryView } from "../../map/history-view";
import type { Store } from "../../store";
import { isTyping } from "../panel";
import { Sheet } from "../sheet";
import { HistoryMap } from "./map";
import { HistoryPanel } from "./panel";
import { Player } from "./player";
import "../../styles/history.css";

interface Props {
  readonly store: Store;
  readonly phone: boolean;
  readonly onClose: () => void;
}

export function HistoryScreen({ store, phone, onClose }: Props) {
  const model = useMemo(() => new History(store), [store]);
  const [chosen, setChosen] = useState(-1);
  const view = useRef<HistoryView | null>(null);
  const stage = useRef<HTMLElement>(null);
  const track = model.track.value;

  useEffect(() => model.watch(), [model]);
  useEffect(() => setChosen(-1), [track === null]);
  useEffect(() => {
    document.getElementById("history-title")?.focus();
    const onKey = (e: KeyboardEvent) => {
      if (e.defaultPrevented || isTyping(e.target) || e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.key === "Escape") onClose();
      const onControl = e.target instanceof Element && e.target.closest("button, a, select, summary, input");
      if (e.key === " " && !onControl) {
        e.preventDefault();
        model.toggle();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [model]);
  useEffect(() => {
    Object.defineProperty(window, "__history", {
      configurable: true,
      value: Object.freeze({
        get status() { return model.status.peek().name; },
        get time() { return model.time.peek(); },
        get playing() { return model.playing.peek(); },
        get moment() { return model.moment.peek(); },
        get drawn() { return view.current?.drawn ?? false; },
        project: (at: [number, number]) => view.current?.project(at) ?? null,
      }),
    });
    return () => void Reflect.deleteProperty(window, "__history");
  }, [model]);

  const insets = (): Insets => covered(stage.current, phone);
  const choose = (leg: number) => {
    const found = model.track.peek()?.legs[leg];
    if (!found) return;
    setChosen(leg);
    model.pause();
    model.seek(found.from);
    view.current?.fit([found], insets());
  };
  const panel = <HistoryPanel store={store} model={model} chosen={chosen} onChoose={choose} onClose={onClose} />;
  const player = <Player model={model} />;
  return (
    <>
      {!phone && <nav class="side" aria-label="History">{panel}</nav>}
      <main class="stage" ref={stage}>
        <HistoryMap store={store} model={model} chosen={chosen} insets={insets} onReady={(v) => (view.current = v)} />
        {!phone && track && track.legs.length > 0 && <div class="player-place">{player}</div>}
      </main>
      {phone && <Sheet store={store}>{track && track.legs.length > 0 && player}{panel}</Sheet>}
    </>
  );
}

/** How much of the map is covered. */
function covered(stage: HTMLElement | null, phone: boolean): Insets {
  const none = { top: 0, right: 0, bottom: 0, left: 0 };
  if (!stage) return none;
  const over = document.querySelector(phone ? ".sheet" : ".player-place")?.getBoundingClientRect();
  const bottom = over ? Math.max(0, stage.getBoundingClientRect().bottom - over.top) : 0;
  return { ...none, bottom: Math.min(bottom, stage.clientHeight * 0.6) };
}
