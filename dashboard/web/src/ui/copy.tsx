// A button that copies a text.

import { useState } from "preact/hooks";
import { CheckIcon, CopyIcon } from "./icons";

/** The old way, for pages that came by plain http, where there is no clipboard. */
function copyByHand(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  (document.querySelector("dialog[open]") ?? document.body).append(area); // outside a dialog that is open nothing can be selected
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

/** `of` is heard, not seen, for where the label alone says too little. */
export function CopyButton({ text, label, of }: { text: string; label: string; of?: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
    } catch {
      setDone(copyByHand(text));
    }
    setTimeout(() => setDone(false), 1500);
  };
  return <button class="pill" onClick={() => void copy()}>{done ? <CheckIcon /> : <CopyIcon />}{done ? "Copied" : label}{of && <span class="visually-hidden"> {of}</span>}</button>;
}
