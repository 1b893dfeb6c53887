// The teams above the list: which one is shown, and whether each has a heading. Nothing where nobody is in a team.

import { integer } from "../core/format";
import { grouped } from "../preferences";
import type { Store } from "../store";
import { ChevronIcon, GroupIcon, TeamIcon } from "./icons";
import { NO_TEAM } from "./words";

const EVERYBODY = "all";

export function TeamBar({ store }: { store: Store }) {
  const teams = store.teams.value;
  if (teams.length === 0) return null;
  const chosen = store.team.value;
  const gone = chosen !== null && !teams.some((t) => t.key === chosen); // by an address of before
  return (
    <div class="team-bar">
      <label class={chosen === null ? "team-select" : "team-select is-on"}>
        <TeamIcon />
        <select aria-label="Team" value={chosen === null ? EVERYBODY : `=${chosen}`} onChange={(e) => choose(store, e.currentTarget.value)}>
          <option value={EVERYBODY}>All teams</option>
          {teams.map((t) => <option key={t.key} value={`=${t.key}`}>{t.name || NO_TEAM} ({integer(t.people)})</option>)}
          {gone && <option value={`=${chosen}`}>{chosen || NO_TEAM} (0)</option>}
        </select>
        <ChevronIcon />
      </label>
      <button class="team-group" aria-pressed={grouped.value} onClick={() => (grouped.value = !grouped.value)}>
        <GroupIcon />Group
        <span class="visually-hidden">by team</span>
      </button>
    </div>
  );
}

/** Values are the key behind "=", so that no team is taken for everybody. */
function choose(store: Store, value: string): void {
  store.team.value = value === EVERYBODY ? null : value.slice(1);
}
