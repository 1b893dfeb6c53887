// The bar at the top: whose people these are, whether the picture is live, and who is looking.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Connection } from "../core/connection";
import type { Store } from "../store";
import { ChevronIcon, Mark } from "./icons";

interface Props {
  readonly store: Store;
  readonly onSettings: () => void;
  readonly onLogout: () => void;
  readonly onLive: () => void;
  readonly onHistory: () => void;
}

export function TopBar({ store, onSettings, onLogout, onLive, onHistory }: Props) {
  const identity = store.identity.value;
  const past = store.history.value !== null;
  return (
    <header class="topbar">
      <div class="brand"><Mark /><span class="brand-name">Fieldcast</span></div>
      {identity?.company && <span class="company" title={`Company ${identity.company}`}>{identity.companyName || identity.company}</span>}
      <nav class="tabs" aria-label="Views">
        <button aria-current={past ? undefined : "page"} onClick={onLive}>Live</button>
        <button aria-current={past ? "page" : undefined} onClick={onHistory}>History</button>
      </nav>
      <span class="spacer" />
      <ConnectionBadge store={store} />
      <UserMenu name={identity?.name || identity?.subject || ""} detail={identity?.subject ?? ""} role={identity?.role ?? ""} onSettings={onSettings} onLogout={onLogout} />
    </header>
  );
}

const WORDS: Readonly<Record<Connection["name"], string>> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  offline: "No network",
  expired: "Logged out",
};

/** Green only while every change is really coming in. */
function ConnectionBadge({ store }: { store: Store }) {
  const { name } = store.connection.value;
  return (
    <span class={`badge badge-${name}`} role="status" data-testid="connection">
      <span class="badge-dot" />
      {WORDS[name]}
    </span>
  );
}

interface UserMenuProps {
  readonly name: string;
  readonly detail: string;
  readonly role: string;
  readonly onSettings: () => void;
  readonly onLogout: () => void;
}

function UserMenu({ name, detail, role, onSettings, onLogout }: UserMenuProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const away = (e: Event) => {
      if (e instanceof KeyboardEvent ? e.key === "Escape" : !root.current?.contains(e.target as Node)) {
        setOpen(false);
        if (e instanceof KeyboardEvent) {
          e.stopPropagation();
          root.current?.querySelector("button")?.focus();
        }
      }
    };
    document.addEventListener("pointerdown", away, true);
    document.addEventListener("keydown", away, true);
    return () => {
      document.removeEventListener("pointerdown", away, true);
      document.removeEventListener("keydown", away, true);
    };
  }, [open]);
  const settings = () => {
    root.current?.querySelector("button")?.focus(); // the dialog gives the focus back to what had it; this entry is gone by then
    setOpen(false);
    onSettings();
  };
  const initials = (name.match(/\p{L}|\p{N}/gu)?.[0] ?? "?").toUpperCase();
  return (
    <div class="menu" ref={root}>
      <button class="menu-button" aria-haspopup="menu" aria-expanded={open} onClick={() => setOpen(!open)} aria-label={`Account ${name}`}>
        <span class="avatar">{initials}</span>
        <ChevronIcon />
      </button>
      {open && (
        <div class="menu-panel" role="menu" aria-label="Account">
          <div class="menu-head">
            <strong>{name || "Account"}</strong>
            <span>{[detail !== name && detail, role].filter(Boolean).join(" · ")}</span>
          </div>
          <button role="menuitem" onClick={settings}>Settings…</button>
          <button role="menuitem" onClick={onLogout}>Log out</button>
        </div>
      )}
    </div>
  );
}
