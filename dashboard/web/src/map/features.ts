// People as GeoJSON.

import type { Feature, FeatureCollection, LineString, Point, Polygon } from "geojson";
import { circle, type GridLine, type LonLat } from "../core/geo";
import type { Entry } from "../core/list";
import type { Stretch } from "../core/trail";

/** A marker. Off shift is drawn like offline. */
export function personFeature(entry: Entry): Feature<Point> | null {
  const { person, state, moving } = entry;
  if (!person.fix) return null;
  const properties: Record<string, string | number> = { id: person.id, name: person.name || person.id, state };
  if (moving && person.fix.courseDeg !== null) properties.course = person.fix.courseDeg;
  return { type: "Feature", properties, geometry: { type: "Point", coordinates: [person.fix.lon, person.fix.lat] } };
}

export function peopleFeatures(entries: Iterable<Entry>, without: string | null): FeatureCollection<Point> {
  const features: Feature<Point>[] = [];
  for (const entry of entries) {
    if (entry.person.id === without) continue;
    const feature = personFeature(entry);
    if (feature) features.push(feature);
  }
  return collection(features);
}

/** Somebody as if they were elsewhere: on the way to where they are. */
export function at(entry: Entry, [lon, lat]: LonLat): Entry {
  const { person } = entry;
  return person.fix ? { ...entry, person: { ...person, fix: { ...person.fix, lat, lon } } } : entry;
}

/** The names to be written beside dots. */
export function nameFeatures(entries: readonly Entry[], hovered: string | null, placeOf: (id: string) => LonLat | null): FeatureCollection<Point> {
  return collection(
    entries.flatMap(({ person }) => {
      const coordinates = placeOf(person.id);
      if (!coordinates) return [];
      const properties = { name: person.name || person.id, hovered: person.id === hovered };
      return [{ type: "Feature" as const, properties, geometry: { type: "Point" as const, coordinates } }];
    }),
  );
}

export function accuracyFeatures(entry: Entry | null): FeatureCollection<Polygon> {
  const fix = entry?.person.fix;
  if (!fix?.accuracyM) return collection([]);
  const ring = circle([fix.lon, fix.lat], Math.min(fix.accuracyM, 500_000));
  return collection([{ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } }]);
}

export function trailFeatures(stretches: readonly Stretch[]): FeatureCollection<LineString> {
  return collection(
    stretches.map((s) => ({ type: "Feature", properties: { gap: s.gap }, geometry: { type: "LineString", coordinates: s.line } })),
  );
}

export function gridFeatures(lines: readonly GridLine[]): FeatureCollection<LineString> {
  return collection(
    lines.map((l) => ({ type: "Feature", properties: { label: l.label }, geometry: { type: "LineString", coordinates: l.line } })),
  );
}

export function collection<G extends Point | LineString | Polygon>(features: Feature<G>[]): FeatureCollection<G> {
  return { type: "FeatureCollection", features };
}
