// The sheet of the phone layout, in three heights: peek, half, full. By dragging its handle, or by tapping it.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Store } from "../store";

type Height = "peek" | "half" | "full";
const HEIGHTS: readonly Height[] = ["peek", "half", "full"];
const PEEK_PX = 168;
const DRAG_PX = 6;

export function Sheet({ store, children }: { store: Store; children: ComponentChildren }) {
  const [height, setHeight] = useState<Height>("half");
  const [dragged, setDragged] = useState<number | null>(null);
  const start = useRef({ y: 0, px: 0, moved: false });
  const box = useRef<HTMLElement>(null);
  const chosen = store.selected.value;
  useEffect(() => {
    if (chosen) setHeight("half");
  }, [chosen]);

  const down = (e: PointerEvent) => {
    (e.currentTarget as HTMLElement).setPointerCapture(e.pointerId);
    start.current = { y: e.clientY, px: box.current?.clientHeight ?? 0, moved: false };
  };
  const move = (e: PointerEvent) => {
    if (!(e.currentTarget as HTMLElement).hasPointerCapture(e.pointerId)) return;
    const by = start.current.y - e.clientY;
    if (Math.abs(by) > DRAG_PX) start.current.moved = true;
    if (start.current.moved) setDragged(Math.min(pixels("full"), Math.max(PEEK_PX, start.current.px + by)));
  };
  const up = () => {
    if (dragged !== null) setHeight(nearest(dragged));
    setDragged(null);
  };
  const tap = () => {
    if (start.current.moved) return;
    setHeight(HEIGHTS[(HEIGHTS.indexOf(height) + 1) % HEIGHTS.length] ?? "half");
  };
  return (
    <section
      ref={box}
      class={dragged === null ? "sheet" : "sheet is-dragged"}
      style={{ height: `${dragged ?? pixels(height)}px` }}
      aria-label="People and details"
    >
      <button class="sheet-handle" aria-label={`Panel height: ${height}. Change`} onPointerDown={down} onPointerMove={move} onPointerUp={up} onPointerCancel={up} onClick={tap}>
        <span />
      </button>
      {children}
    </section>
  );
}

function pixels(height: Height): number {
  const screen = window.innerHeight;
  return height === "peek" ? PEEK_PX : height === "half" ? Math.round(screen * 0.55) : screen - 72;
}

function nearest(px: number): Height {
  return HEIGHTS.reduce((best, h) => (Math.abs(pixels(h) - px) < Math.abs(pixels(best) - px) ? h : best), "half" as Height);
}
