// What opens from a button and is closed by a press elsewhere or by Escape, which gives the focus back to the button.

import { useEffect, useRef, useState } from "preact/hooks";

/** `root` goes on what holds both, the button first. */
export function usePopover() {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const away = (e: Event) => {
      if (e instanceof KeyboardEvent ? e.key !== "Escape" : root.current?.contains(e.target as Node)) return;
      setOpen(false);
      if (!(e instanceof KeyboardEvent)) return;
      e.stopPropagation();
      root.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", away, true);
    document.addEventListener("keydown", away, true);
    return () => {
      document.removeEventListener("pointerdown", away, true);
      document.removeEventListener("keydown", away, true);
    };
  }, [open]);
  return { open, setOpen, root };
}
