// The bar at the top: whose people these are, whether the picture is live, and who is looking.

import type { Store } from "../store";
import { ConnectionMenu } from "./connection-menu";
import { ChevronIcon, Mark, SearchIcon } from "./icons";
import { usePopover } from "./popover";

const MAC = /Mac|iPhone|iPad/.test(navigator.userAgent);

interface Props {
  readonly store: Store;
  readonly onSettings: () => void;
  readonly onLogout: () => void;
  readonly onLive: () => void;
  readonly onHistory: () => void;
  readonly onRetry: () => void;
  readonly onSearch: () => void;
}

export function TopBar({ store, onSettings, onLogout, onLive, onHistory, onRetry, onSearch }: Props) {
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
      <button class="search-button" aria-haspopup="dialog" title="Go to a person or do something" onClick={onSearch}>
        <SearchIcon /><span>Go to…</span><kbd aria-hidden="true">{MAC ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      <ConnectionMenu store={store} onRetry={onRetry} />
      <UserMenu name={identity?.name || identity?.subject || ""} detail={identity?.subject ?? ""} role={identity?.role ?? ""} onSettings={onSettings} onLogout={onLogout} />
    </header>
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
  const { open, setOpen, root } = usePopover();
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
