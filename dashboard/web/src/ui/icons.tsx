// Icons, drawn for this app on a grid of 16.

import type { ComponentChildren } from "preact";
import type { Entry } from "../core/list";
import type { State } from "../core/person";

function Icon({ children, size = 16 }: { children: ComponentChildren; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      {children}
    </svg>
  );
}

export const SearchIcon = () => <Icon><circle cx="7" cy="7" r="4.5" /><path d="m10.5 10.5 3.5 3.5" /></Icon>;
export const ShareIcon = () => <Icon><path d="M6.6 9.4a2.6 2.6 0 0 0 3.8.2l2.2-2.2a2.6 2.6 0 0 0-3.7-3.7l-1 1" /><path d="M9.4 6.6a2.6 2.6 0 0 0-3.8-.2L3.4 8.6a2.6 2.6 0 0 0 3.7 3.7l1-1" /></Icon>;
export const TeamIcon = () => <Icon><circle cx="5.6" cy="5.4" r="2.4" /><path d="M1.4 13.2c.3-2.6 1.9-4 4.2-4s3.9 1.4 4.2 4" /><path d="M10.2 3.3a2.3 2.3 0 0 1 0 4.3M11.8 9.6c1.6.5 2.6 1.7 2.8 3.6" /></Icon>;
export const GroupIcon = () => <Icon><path d="M2.5 3.2h6M5 6.4h8.5M2.5 9.9h6M5 13.1h8.5" /></Icon>;
export const CloseIcon = () => <Icon><path d="m4 4 8 8M12 4l-8 8" /></Icon>;
export const PlusIcon = () => <Icon><path d="M8 3v10M3 8h10" /></Icon>;
export const MinusIcon = () => <Icon><path d="M3 8h10" /></Icon>;
export const FitIcon = () => <Icon><path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10" /><circle cx="8" cy="8" r="1.4" fill="currentColor" stroke="none" /></Icon>;
export const FollowIcon = () => <Icon><circle cx="8" cy="8" r="4.5" /><circle cx="8" cy="8" r="1.3" fill="currentColor" stroke="none" /><path d="M8 1.5v2M8 12.5v2M1.5 8h2M12.5 8h2" /></Icon>;
export const CopyIcon = () => <Icon><rect x="5.5" y="5.5" width="8" height="8" rx="1.6" /><path d="M10.5 3.2A1.6 1.6 0 0 0 9 2.5H4A1.5 1.5 0 0 0 2.5 4v5c0 .7.3 1.2.8 1.5" /></Icon>;
export const CheckIcon = () => <Icon><path d="m3 8.5 3.2 3.2L13 5" /></Icon>;
export const ChevronIcon = () => <Icon><path d="m4.5 6.5 3.5 3.5 3.5-3.5" /></Icon>;
export const WarnIcon = () => <Icon><path d="M8 2.2 14.4 13.4H1.6Z" /><path d="M8 6.6v3M8 11.6v.1" /></Icon>;
export const HistoryIcon = () => <Icon><path d="M2.6 8a5.4 5.4 0 1 0 1.7-3.9" /><path d="M2.4 2.2v2.6H5M8 5v3.2l2.2 1.3" /></Icon>;
export const PlayIcon = () => <Icon><path d="M5 3.2v9.6L12.6 8Z" fill="currentColor" /></Icon>;
export const PauseIcon = () => <Icon><path d="M5.4 3.4v9.2M10.6 3.4v9.2" stroke-width="2.6" /></Icon>;
export const BackIcon = () => <Icon><path d="M9.5 3.5 5 8l4.5 4.5" /></Icon>;
export const ForwardIcon = () => <Icon><path d="M6.5 3.5 11 8l-4.5 4.5" /></Icon>;
export const DownloadIcon = () => <Icon><path d="M8 2.5v7M5 7l3 3 3-3M2.8 13.2h10.4" /></Icon>;
export const BoltIcon = () => <svg class="icon" width="9" height="12" viewBox="0 0 9 12" aria-hidden="true"><path d="M5.2 0 .6 6.8h3L3 12l5.2-7.2h-3z" fill="currentColor" /></svg>;

/** The product's mark: a person, and the radio waves around them. */
export function Mark({ size = 26 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" class="mark">
      <rect width="32" height="32" rx="8" />
      <g fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round">
        <path d="M9.3 22.7a9.5 9.5 0 0 1 0-13.4" />
        <path d="M22.7 9.3a9.5 9.5 0 0 1 0 13.4" />
      </g>
      <circle cx="16" cy="16" r="4.2" fill="#3ddc84" />
    </svg>
  );
}

/** A disc of 5 with a tip that reaches to 9.6: the outline of the drop on the map. */
const DROP = "M0-9.6 4.27-2.6A5 5 0 1 1-4.27-2.6Z";

/** A state as a shape; the word stands beside it. The same shapes are on the map. */
export function StateGlyph({ entry, size = 18 }: { entry: Entry; size?: number }) {
  const { state, moving, person } = entry;
  const course = person.fix?.courseDeg ?? null;
  return (
    <svg class={`glyph glyph-${state}`} width={size} height={size} viewBox="-10 -10 20 20" aria-hidden="true">
      {moving && course !== null ? <path class="nub" d={DROP} transform={`rotate(${Math.round(course)})`} /> : shape(state)}
    </svg>
  );
}

function shape(state: State) {
  switch (state) {
    case "live":
      return <circle r="5" class="fill" />;
    case "late":
      return <><circle r="6.6" class="edge" /><circle r="5" class="ring" /></>;
    case "offline":
      return <circle r="3.8" class="fill" />;
    case "off_shift":
      return <path d="M-2.4-4v8M2.4-4v8" class="bars" />;
    case "never":
      return <circle r="5" class="dashed" />;
  }
}

/** A battery that is filled as far as it is. */
export function BatteryIcon({ pct }: { pct: number }) {
  return (
    <svg class="battery" width="20" height="10" viewBox="0 0 20 10" aria-hidden="true">
      <rect x=".6" y=".6" width="16.4" height="8.8" rx="2.2" fill="none" stroke="currentColor" stroke-width="1.2" />
      <path d="M18.6 3.4v3.2" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" />
      <rect x="2.2" y="2.2" width={Math.max(1, (13.2 * Math.min(100, pct)) / 100)} height="5.6" rx="1" fill="currentColor" />
    </svg>
  );
}
