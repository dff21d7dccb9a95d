// Lines, circles and polygons to the pixel as OpenCV rasterizes them (imgproc/src/drawing.cpp, 8-connected, nothing antialiased): what ControlNets were
// trained on was drawn with it.
import type { Picture } from './picture';
import { roundEven } from './resize';
import type { Point } from './squares';

export type Color = readonly [red: number, green: number, blue: number];

/** Sixteen bits behind the point. */
const ONE = 65_536;

/** The corners of an ellipse, one a degree. `angle` in whole degrees. */
export function ellipsePolygon(center: Point, halfLength: number, halfWidth: number, angle: number): Point[] {
  const [cos, sin] = [cosine(angle), sine(angle)], corners: Point[] = [];
  for (let degree = 0; degree <= 360; degree++) {
    const x = halfLength * cosine(degree), y = halfWidth * sine(degree);
    const corner = { x: roundEven(center.x + x * cos - y * sin), y: roundEven(center.y + x * sin + y * cos) }, last = corners.at(-1);
    if (corner.x !== last?.x || corner.y !== last.y) corners.push(corner);
  }
  return corners.length === 1 ? [center, center] : corners;
}

/** As its table has them, to seven digits. */
const sine = (degrees: number): number => Math.fround(Number(Math.sin((degrees * Math.PI) / 180).toFixed(7)));
const cosine = (degrees: number): number => sine(degrees + 90);

/** Whole corners. */
export function fillConvex(picture: Picture, corners: readonly Point[], color: Color): void {
  corners.forEach((corner, i) => { line(picture, corners.at(i - 1)!, corner, color); });
  fillBetweenEdges(picture, corners.map(({ x, y }) => ({ x: x * ONE, y: y * ONE })), color);
}

export function fillCircle(picture: Picture, { x, y }: Point, radius: number, color: Color): void {
  let err = 0, dx = radius, dy = 0, plus = 1, minus = 2 * radius - 1;
  while (dx >= dy) {
    for (const [row, reach] of [[dy, dx], [-dy, dx], [dx, dy], [-dx, dy]] as const) span(picture, y + row, x - reach, x + reach, color);
    dy++;
    err += plus;
    plus += 2;
    if (err > 0) { err -= minus; dx--; minus -= 2; }
  }
}

/** Two pixels and more wide, with round ends. */
export function thickLine(picture: Picture, from: Point, to: Point, width: number, color: Color): void {
  const [a, b] = [from, to].map(({ x, y }) => ({ x: x * ONE, y: y * ONE })) as [Point, Point];
  const dx = from.x - to.x, dy = to.y - from.y, length = Math.hypot(dx, dy);
  if (length > 0) {
    const reach = (width * ONE / 2 + (width % 2) * ONE * 0.5) / length, across = { x: roundEven(dy * reach), y: roundEven(dx * reach) };
    const corners = [{ x: a.x + across.x, y: a.y + across.y }, { x: a.x - across.x, y: a.y - across.y }, { x: b.x - across.x, y: b.y - across.y }, { x: b.x + across.x, y: b.y + across.y }];
    corners.forEach((corner, i) => { fineLine(picture, corners.at(i - 1)!, corner, color); });
    fillBetweenEdges(picture, corners, color);
  }
  for (const end of [from, to]) fillCircle(picture, end, Math.floor((width * ONE / 2 + ONE / 2) / ONE), color);
}

/** Bresenham's, from left to right. */
function line(picture: Picture, from: Point, to: Point, color: Color): void {
  const [start, end] = from.x > to.x ? [to, from] : [from, to], down = end.y < start.y ? -1 : 1, [dx, dy] = [end.x - start.x, Math.abs(end.y - start.y)];
  const steep = dy > dx, [long, short] = steep ? [dy, dx] : [dx, dy];
  let { x, y } = start, err = long - 2 * short;
  for (let i = 0; i <= long; i++) {
    put(picture, x, y, color);
    const turns = err < 0;
    err += (turns ? 2 * long : 0) - 2 * short;
    if (!steep || turns) x++;
    if (steep || turns) y += down;
  }
}

/** Between points of sixteen bits behind the point. */
function fineLine(picture: Picture, from: Point, to: Point, color: Color): void {
  const dx = to.x - from.x, dy = to.y - from.y, flat = Math.abs(dx) > Math.abs(dy), [start, end] = (flat ? dx : dy) < 0 ? [to, from] : [from, to];
  const step = flat ? Math.trunc(((end.y - start.y) * ONE) / (Math.abs(dx) | 1)) : Math.trunc(((end.x - start.x) * ONE) / (Math.abs(dy) | 1));
  put(picture, whole(end.x + ONE / 2), whole(end.y + ONE / 2), color);
  let x = start.x + ONE / 2, y = start.y + ONE / 2;
  for (let count = flat ? whole(end.x - start.x) : whole(end.y - start.y); count >= 0; count--) {
    put(picture, whole(x), whole(y), color);
    if (flat) { x += ONE; y += step; } else { x += step; y += ONE; }
  }
}

const whole = (value: number): number => Math.floor(value / ONE);

/** Row by row between the two edges that go down from the topmost corner. Corners of sixteen bits behind the point. */
function fillBetweenEdges(picture: Picture, corners: readonly Point[], color: Color): void {
  const count = corners.length, rowOf = ({ y }: Point): number => whole(y + ONE / 2);
  if (count < 3) return;
  const top = corners.reduce((best, { y }, i) => (y < corners[best]!.y ? i : best), 0);
  const first = rowOf(corners[top]!), last = Math.min(picture.height - 1, Math.max(...corners.map(rowOf)));
  const edges = [1, count - 1].map((direction) => ({ direction, at: top, end: first, x: -ONE, dx: 0 })) as [Edge, Edge];
  let left = count;
  for (let y = first; y <= last; y++) {
    for (const edge of edges) {
      if (y < edge.end) continue;
      let from = edge.at, to = (from + edge.direction) % count;
      while (left-- > 0) {
        const row = rowOf(corners[to]!);
        if (row > y) {
          const span = corners[to]!.x - corners[from]!.x;
          Object.assign(edge, { end: row, dx: Math.trunc((span * 2 + (row - y)) / (2 * (row - y))), x: corners[from]!.x, at: to });
          break;
        }
        from = to;
        to = (to + edge.direction) % count;
      }
    }
    const [a, b] = edges[0].x > edges[1].x ? [edges[1].x, edges[0].x] : [edges[0].x, edges[1].x];
    span(picture, y, whole(a + ONE / 2), whole(b + ONE / 2), color);
    for (const edge of edges) edge.x += edge.dx;
  }
}
interface Edge { readonly direction: number; at: number; end: number; x: number; dx: number }

function span(picture: Picture, y: number, from: number, to: number, color: Color): void {
  for (let x = Math.max(0, from); x <= Math.min(picture.width - 1, to); x++) put(picture, x, y, color);
}

function put({ width, height, rgb }: Picture, x: number, y: number, color: Color): void {
  if (x >= 0 && y >= 0 && x < width && y < height) rgb.set(color, 3 * (y * width + x));
}
