// A map as all screens have it: flat, north up, with the world in it.

import { Map as MapLibre, addProtocol, setWorkerUrl, type StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import "maplibre-gl/dist/maplibre-gl.css";
import { Protocol } from "pmtiles";
import type { Camera } from "../core/view";

let prepared = false;

function prepare(): void {
  if (prepared) return;
  prepared = true;
  setWorkerUrl(workerUrl); // a file of our own origin: the content security policy forbids blob: workers
  addProtocol("pmtiles", new Protocol().tile);
}

/** Throws if the browser has no WebGL. */
export function open(container: HTMLElement, style: StyleSpecification, camera: Camera | null): MapLibre {
  prepare();
  const map = new MapLibre({
    container,
    style,
    center: camera ? [camera.lon, camera.lat] : [12, 22],
    zoom: camera?.zoom ?? 1.4,
    minZoom: 0.6,
    maxZoom: 19,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0, // markers that move every second would fade in every second
    canvasContextAttributes: { antialias: false },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  return map;
}
