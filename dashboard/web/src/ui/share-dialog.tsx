// Links to one person's position: makes them, lists those that are active, ends them.

import { useEffect, useRef, useState } from "preact/hooks";
import { clockTime } from "../core/format";
import { LENGTHS, secondsOf, type Length, type Share } from "../core/share";
import { style } from "../preferences";
import { listShares, makeShare, revokeShare, type Made } from "../share-api";
import { CopyButton } from "./copy";
import { CloseIcon } from "./icons";
import type { ShareDialogProps } from "./share-button";
import "../styles/share.css";

const MAX_NOTE = 120;

export function ShareDialog({ store, employee, name, onClose }: ShareDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const company = store.identity.value?.company ?? "";
  const [length, setLength] = useState<Length>("1h");
  const [note, setNote] = useState("");
  const [made, setMade] = useState<Made | null>(null);
  const [active, setActive] = useState<readonly Share[]>([]);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const now = store.now.value;

  useEffect(() => dialog.current?.showModal(), []);
  /** Does one thing at a time, and shows what there is afterwards. */
  const act = async (what: () => Promise<void>) => {
    setBusy(true);
    setProblem("");
    try {
      await what();
      setActive(await listShares(company, employee));
    } catch (err) {
      setProblem(err instanceof Error ? err.message : "It did not work.");
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => void act(async () => {}), []);

  const make = () => act(async () => {
    setMade(await makeShare(company, employee, secondsOf(length, store.serverNow(), style.value.zone), note.trim()));
    setNote("");
  });
  const revoke = (id: string) => act(async () => {
    await revokeShare(company, employee, id);
    if (made?.id === id) setMade(null);
  });

  return (
    <dialog
      ref={dialog}
      class="settings share-dialog"
      aria-labelledby="share-title"
      onClose={onClose}
      onKeyDown={(e) => e.stopPropagation()}
      onClick={(e) => e.target === e.currentTarget && e.currentTarget.close()}
    >
      <header>
        <h2 id="share-title">Share {name}’s position</h2>
        <button class="icon-button" aria-label="Close sharing" onClick={() => dialog.current?.close()}><CloseIcon /></button>
      </header>
      <div class="settings-body">
        <p class="share-what">Whoever has the link sees on a map where this person is until it ends: first name, position, accuracy, age. Nothing of the past, and nobody else.</p>
        <form onSubmit={(e) => { e.preventDefault(); void make(); }}>
          <fieldset>
            <legend>The link ends after</legend>
            <div class="segments">
              {LENGTHS.map(([value, word]) => (
                <label key={value}>
                  <input type="radio" name="length" checked={length === value} onChange={() => setLength(value)} />
                  <span>{word}</span>
                </label>
              ))}
            </div>
          </fieldset>
          <label class="share-note">
            <span>For whom <span class="dim">(only managers see this)</span></span>
            <input type="text" value={note} maxLength={MAX_NOTE} autocomplete="off" placeholder="Customer, order number" onInput={(e) => setNote(e.currentTarget.value)} />
          </label>
          <button type="submit" class="share-make" disabled={busy}>Make link</button>
        </form>
        {problem && <p class="share-problem" role="alert">{problem}</p>}
        {made && <Link made={made} now={now} />}
        <Active shares={active.filter((s) => s.expiresAt > now)} now={now} busy={busy} onRevoke={(id) => void revoke(id)} />
      </div>
    </dialog>
  );
}

function Link({ made, now }: { made: Made; now: number }) {
  return (
    <div class="share-made" role="status">
      <p><strong>The link is ready</strong>, until {clockTime(made.expiresAt, now)}. It is shown this once.</p>
      <div>
        <input type="text" readOnly aria-label="Link" value={made.url} onFocus={(e) => e.currentTarget.select()} />
        <CopyButton text={made.url} label="Copy link" />
      </div>
    </div>
  );
}

function Active({ shares, now, busy, onRevoke }: { shares: readonly Share[]; now: number; busy: boolean; onRevoke: (id: string) => void }) {
  if (shares.length === 0) return <p class="dim share-none">No link to this person is active.</p>;
  return (
    <section aria-labelledby="share-active">
      <h3 id="share-active">Active links</h3>
      <ul class="share-list">
        {shares.map((s) => (
          <li key={s.id}>
            <span>
              <b>{s.note || "Without a note"}</b>
              <span class="dim">until {clockTime(s.expiresAt, now)}, by {s.createdBy}</span>
            </span>
            <button class="quiet" disabled={busy} aria-label={`Revoke the link ${s.note ? `for ${s.note}` : "without a note"}`} onClick={() => onRevoke(s.id)}>Revoke</button>
          </li>
        ))}
      </ul>
    </section>
  );
}
