// Draws a table of dots (core/dots.ts) by WebGL, as a layer of the map: any number of people in a few calls.

import type { CustomLayerInterface, CustomRenderMethodInput, Map as MapLibre } from "maplibre-gl";
import { KIND, STRIDE, worldOf, type Dots } from "../core/dots";
import { PALETTES, type Shade } from "./palette";

export const DOTS_LAYER = "dots";
/** Offsets from the origin are kept shorter than this at street zoom: float32 is then good to a centimetre. */
const FAR = 1 / 256;
const FINE_ZOOM = 10;

const FULL = 7.5;
/** Kinds from below to above: who is late is looked for, and rare. */
const PASSES = [KIND.offline, KIND.live, KIND.late];
/** All in one, mixed as they come: where dots are a heap, its colours then are in proportion. */
const MIXED = [-1];
/** Smaller dots have no heading, and are mixed. */
const SMALL = 4;

const VERTEX = `#version 300 es
uniform mat4 u_matrix;
uniform float u_pass, u_radius, u_ratio, u_grow;
in vec4 a_dot;
out vec2 v_turn;
flat out float v_kind;
flat out float v_radius;
flat out float v_half;
void main() {
  v_kind = u_radius + u_grow < ${SMALL}.0 ? min(a_dot.z, 2.0) : a_dot.z; // from afar a direction is only noise
  float rank = min(v_kind, 2.0);
  bool drawn = u_pass < -0.5 ? v_kind >= 0.0 : rank == u_pass;
  float size = v_kind > 1.5 ? 1.0 : v_kind > 0.5 ? 0.87 : 0.72;
  v_radius = u_radius * size + u_grow;
  v_half = v_radius * (v_kind > 2.5 ? 2.0 : 1.0) + 5.0;
  float course = radians(a_dot.w);
  v_turn = vec2(sin(course), cos(course));
  gl_Position = drawn ? u_matrix * vec4(a_dot.xy, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = v_half * 2.0 * u_ratio;
}`;

// Distances in pixels from the edge of a shape; the drop of who moves is a disc and the tangents to its tip.
const FRAGMENT = `#version 300 es
precision highp float;
uniform vec4 u_live, u_late, u_lateRim, u_offline, u_rim, u_surface, u_accent;
uniform float u_rimWidth, u_ratio, u_dim, u_grow;
in vec2 v_turn;
flat in float v_kind;
flat in float v_radius;
flat in float v_half;
out vec4 color;
float cover(float d) { return clamp(0.5 - d * u_ratio, 0.0, 1.0); }
void main() {
  vec2 p = (gl_PointCoord - 0.5) * 2.0 * v_half;
  float d = length(p) - v_radius;
  if (v_kind > 2.5) {
    vec2 q = vec2(abs(p.x * v_turn.y + p.y * v_turn.x), p.x * v_turn.x - p.y * v_turn.y);
    float tip = v_radius * 1.93;
    float s = v_radius / tip;
    float c = sqrt(1.0 - s * s);
    // Beyond the point of touch the edge is the tangent with the normal (c, s).
    if (q.y * c > q.x * s) d = max(q.x * c + q.y * s - v_radius, q.y - tip);
  }
  float rim = u_rimWidth;
  vec4 inner = v_kind > 1.5 ? u_live : v_kind > 0.5 ? mix(u_late, u_surface, step(3.5, v_radius)) : u_offline;
  vec4 ring = v_kind > 1.5 || v_kind < 0.5 ? u_rim : u_late;
  float ringWidth = v_kind > 0.5 && v_kind < 1.5 ? rim * 1.55 : rim;
  vec4 shape = ring * cover(d - ringWidth);
  shape = mix(shape, inner, cover(d));
  if (v_kind > 0.5 && v_kind < 1.5) { // a dark edge lets amber stand out on a light map
    vec4 edge = u_lateRim * cover(d - ringWidth - rim * 0.37);
    shape = shape + edge * (1.0 - shape.a);
  }
  if (u_grow > 0.0) {
    vec4 halo = u_accent * cover(abs(length(p) - v_half + 1.6) - 1.0);
    shape = halo + shape * (1.0 - halo.a);
  }
  color = shape * (v_kind < 0.5 ? u_dim : 1.0);
}`;

type Uniforms = Record<"matrix" | "pass" | "radius" | "ratio" | "grow" | "rimWidth" | "dim" | ColourName, WebGLUniformLocation | null>;
const COLOURS = ["live", "late", "lateRim", "offline", "rim", "surface", "accent"] as const;
type ColourName = (typeof COLOURS)[number];

interface Resources {
  readonly program: WebGLProgram;
  readonly buffer: WebGLBuffer;
  readonly array: WebGLVertexArrayObject;
  readonly at: Uniforms;
}

/** The radius of a dot at a zoom: small from afar, where they are a texture, full at street zoom. */
export function radiusAt(zoom: number): number {
  const [low, high, small] = [4, 13, 1.9];
  return small + (FULL - small) * Math.min(1, Math.max(0, (zoom - low) / (high - low))) ** 1.5;
}

export class DotsLayer implements CustomLayerInterface {
  readonly id = DOTS_LAYER;
  readonly type = "custom" as const;
  readonly renderingMode = "2d" as const;
  shown = false;
  hovered = -1;
  /** So many that they are drawn smaller from afar. */
  many = false;
  shade: Shade;
  #map: MapLibre | null = null;
  #made: Resources | null = null;
  #capacity = -1;

  constructor(
    private readonly dots: Dots,
    shade: Shade,
  ) {
    this.shade = shade;
  }

  onAdd(map: MapLibre, gl: WebGL2RenderingContext): void {
    this.#map = map;
    this.#made = make(gl);
    this.#capacity = -1;
  }

  onRemove(_: MapLibre, gl: WebGL2RenderingContext): void {
    if (!this.#made) return;
    gl.deleteBuffer(this.#made.buffer);
    gl.deleteVertexArray(this.#made.array);
    gl.deleteProgram(this.#made.program);
    this.#made = null;
  }

  render = (gl: WebGL2RenderingContext, args: CustomRenderMethodInput): void => {
    const map = this.#map;
    const made = this.#made;
    if (!this.shown || !map || !made || this.dots.size === 0) return;
    const zoom = map.getZoom();
    this.#keepNear(map, zoom);
    this.#upload(gl, made);
    gl.useProgram(made.program);
    gl.bindVertexArray(made.array);
    this.#set(gl, made.at, zoom);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.STENCIL_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    const main = args.defaultProjectionData.mainMatrix as unknown as ArrayLike<number>;
    for (const copy of zoom < 4 ? [-1, 0, 1] : [0]) this.#draw(gl, made.at, main, copy, zoom);
    gl.bindVertexArray(null);
  };

  #draw(gl: WebGL2RenderingContext, at: Uniforms, main: ArrayLike<number>, copy: number, zoom: number): void {
    const [x, y] = this.dots.origin;
    gl.uniformMatrix4fv(at.matrix, false, moved(main, x + copy, y));
    gl.uniform1f(at.grow, 0);
    for (const pass of this.#radius(zoom) < SMALL ? MIXED : PASSES) {
      gl.uniform1f(at.pass, pass);
      gl.drawArrays(gl.POINTS, 0, this.dots.size);
    }
    if (this.hovered < 0 || this.hovered >= this.dots.size) return;
    gl.uniform1f(at.grow, 2);
    gl.uniform1f(at.pass, -1);
    gl.drawArrays(gl.POINTS, this.hovered, 1);
  }

  #radius = (zoom: number): number => (this.many ? radiusAt(zoom) : FULL);

  #keepNear(map: MapLibre, zoom: number): void {
    if (zoom < FINE_ZOOM) return;
    const { lng, lat } = map.getCenter();
    const [x, y] = worldOf([lng, lat]);
    const [ox, oy] = this.dots.origin;
    if (Math.abs(x - ox) > FAR || Math.abs(y - oy) > FAR) this.dots.setOrigin(x, y);
  }

  /** Sends what has changed since the last frame: nothing, as a rule. */
  #upload(gl: WebGL2RenderingContext, made: Resources): void {
    const { data } = this.dots;
    const dirty = this.dots.takeDirty();
    if (dirty.length === 0 && this.#capacity === data.length) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, made.buffer);
    if (this.#capacity !== data.length) {
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
      this.#capacity = data.length;
    } else if (dirty === "all") gl.bufferSubData(gl.ARRAY_BUFFER, 0, data);
    else for (const slot of dirty) gl.bufferSubData(gl.ARRAY_BUFFER, slot * STRIDE * 4, data, slot * STRIDE, STRIDE);
  }

  #set(gl: WebGL2RenderingContext, at: Uniforms, zoom: number): void {
    const radius = this.#radius(zoom);
    const palette = PALETTES[this.shade];
    gl.uniform1f(at.radius, radius);
    gl.uniform1f(at.rimWidth, 0.3 + 1.9 * Math.min(1, Math.max(0, (radius - 2.2) / 5.3)));
    gl.uniform1f(at.ratio, gl.drawingBufferWidth / (gl.canvas as HTMLCanvasElement).clientWidth);
    gl.uniform1f(at.dim, 0.75);
    for (const name of COLOURS) gl.uniform4f(at[name], ...rgb(palette[name]));
  }
}

function make(gl: WebGL2RenderingContext): Resources {
  const program = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(type);
    if (!shader) throw new Error("the map's graphics context is lost");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`dots: ${gl.getProgramInfoLog(program) ?? ""}`);
  const buffer = gl.createBuffer();
  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  const dot = gl.getAttribLocation(program, "a_dot");
  gl.enableVertexAttribArray(dot);
  gl.vertexAttribPointer(dot, STRIDE, gl.FLOAT, false, 0, 0);
  gl.bindVertexArray(null);
  const names = ["matrix", "pass", "radius", "ratio", "grow", "rimWidth", "dim", ...COLOURS];
  const at = Object.fromEntries(names.map((n) => [n, gl.getUniformLocation(program, `u_${n}`)])) as Uniforms;
  return { program, buffer, array, at };
}

/** The matrix for offsets from a place. Added in float64: this is where the precision is. */
export function moved(m: ArrayLike<number>, x: number, y: number): Float32Array {
  const out = new Float32Array(16);
  for (let row = 0; row < 4; row++) {
    for (let col = 0; col < 3; col++) out[col * 4 + row] = m[col * 4 + row] ?? 0;
    out[12 + row] = (m[row] ?? 0) * x + (m[4 + row] ?? 0) * y + (m[12 + row] ?? 0);
  }
  return out;
}

function rgb(hex: string): [number, number, number, number] {
  const n = Number.parseInt(hex.slice(1), 16);
  return [(n >> 16) / 255, ((n >> 8) & 255) / 255, (n & 255) / 255, 1];
}
