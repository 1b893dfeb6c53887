// The colours of the map, for both themes. The marker colours are those of the page (styles/tokens.css).

export type Shade = "light" | "dark";

export interface Palette {
  readonly water: string;
  readonly land: string;
  readonly boundary: string;
  readonly green: string;
  readonly building: string;
  readonly road: string;
  readonly roadEdge: string;
  readonly motorway: string;
  readonly grid: string;
  readonly gridText: string;
  readonly country: string;
  readonly city: string;
  readonly village: string;
  readonly halo: string;
  readonly surface: string;
  readonly ink: string;
  readonly rim: string;
  readonly live: string;
  readonly late: string;
  readonly lateRim: string;
  readonly offline: string;
  readonly accent: string;
}

export const PALETTES: Readonly<Record<Shade, Palette>> = {
  light: {
    water: "#cfdfe8",
    land: "#f5f4ef",
    boundary: "#a9a699",
    green: "#e4ecd9",
    building: "#e8e5da",
    road: "#ffffff",
    roadEdge: "#d8d4c7",
    motorway: "#f1e3c4",
    grid: "#1d3a52",
    gridText: "#5f7384",
    country: "#6c7580",
    city: "#28323c",
    village: "#56616c",
    halo: "rgba(250,250,247,0.92)",
    surface: "#ffffff",
    ink: "#14212c",
    rim: "#ffffff",
    live: "#12a150",
    late: "#e8a317",
    lateRim: "#7a4a00",
    offline: "#8a94a3",
    accent: "#2457d6",
  },
  dark: {
    water: "#0b141b",
    land: "#17222a",
    boundary: "#42525e",
    green: "#172a26",
    building: "#1d2a33",
    road: "#2b3a45",
    roadEdge: "#101920",
    motorway: "#3a4b58",
    grid: "#9cc3e0",
    gridText: "#6d808e",
    country: "#7d8e9a",
    city: "#c6d1d9",
    village: "#8d9ca7",
    halo: "rgba(13,20,26,0.9)",
    surface: "#1a252d",
    ink: "#e9eff3",
    rim: "#0d1419",
    live: "#35c27a",
    late: "#f2b84b",
    lateRim: "#f2b84b",
    offline: "#77848f",
    accent: "#7aa2ff",
  },
};
