// Where faces are in a picture, and the 68 points of each.
import { buildFaceLandmarks, LANDMARK_SIDE } from '../families/faces/landmarks';
import { anchorsOf, buildSsdFaces, SSD_SIDE } from '../families/faces/ssd-mobilenet';
import type { Runtime } from '../pipeline/runtime';
import { Sessions } from '../pipeline/sessions';
import type { Tensor } from '../tensor';
import type { TfjsModel } from '../weights/tfjs';
import type { Picture } from './picture';
import { bestOf, inPicture, sampleSquare, wholeSquare, within, type Box, type Point, type Square } from './squares';

export interface Face {
  /** Within the picture. */
  readonly box: Box;
  /** 0–1 */
  readonly score: number;
  /** 68 points in iBUG 300-W's order: jaw 0–16, brows 17–26, nose 27–35, eyes 36–47, mouth 48–67. */
  readonly landmarks: readonly Point[];
}

interface Found { readonly box: Box; readonly score: number }

export interface FaceOptions {
  /** What scores less is none. */
  readonly confidence?: number;
}

/** Faces that overlap more than this are one. */
const SAME = 0.5;
/** From this side on, in pixels, the parts of a picture are looked at too: squares of so much of its longer side. */
const LARGE = 640, PART = 0.6;

export class FaceFinder {
  private readonly models: { readonly detector: TfjsModel; readonly landmarks: TfjsModel };
  private readonly sessions: Sessions<'detector' | 'landmarks'>;
  private readonly anchors: Float32Array;

  constructor(models: { readonly detector: TfjsModel; readonly landmarks: TfjsModel }, runtime: Runtime) {
    this.models = models;
    this.sessions = new Sessions(runtime);
    this.anchors = anchorsOf(models.detector);
  }

  /** The best first; none where there is none. */
  async find(picture: Picture, { confidence = 0.5 }: FaceOptions = {}): Promise<Face[]> {
    const found: Found[] = [];
    for (const { square, between: [least, most] } of looksAt(picture)) {
      found.push(...(await this.boxes(picture, square, confidence)).filter(({ box }) => Math.max(box.width, box.height) > least && Math.max(box.width, box.height) <= most));
    }
    const faces: Face[] = [];
    for (const { box, score } of bestOf(found, SAME)) faces.push({ box, score, landmarks: await this.landmarksOf(picture, box) });
    return faces;
  }

  close(): Promise<void> { return this.sessions.close(); }

  private async boxes(picture: Picture, square: Square, confidence: number): Promise<Found[]> {
    const session = await this.sessions.take('detector', '', () => buildSsdFaces(this.models.detector));
    const { boxes, scores } = await session.run({ image: sampleSquare(picture, square, SSD_SIDE) });
    const found = boxesOf(boxes!, scores!, this.anchors, confidence);
    const at = inPicture(square);
    return bestOf(found, SAME).flatMap(({ box, score }) => {
      if (isCut(box, square, picture)) return [];
      const [from, to] = [at({ x: box.x, y: box.y }), at({ x: box.x + box.width, y: box.y + box.height })];
      const inside = within({ ...from, width: to.x - from.x, height: to.y - from.y }, picture);
      return inside ? [{ box: inside, score }] : [];
    });
  }

  /** Of what lies in the box, in the middle of a black square. */
  private async landmarksOf(picture: Picture, box: Box): Promise<Point[]> {
    const face = cut(picture, box), square = wholeSquare(face.picture), share = inPicture(square), at = (point: Point): Point => { const { x, y } = share(point); return { x: x + face.x, y: y + face.y }; };
    const session = await this.sessions.take('landmarks', '', () => buildFaceLandmarks(this.models.landmarks));
    const { points } = await session.run({ image: sampleSquare(face.picture, square, LANDMARK_SIDE) });
    return Array.from({ length: 68 }, (_, i) => at({ x: points!.data[2 * i]!, y: points!.data[2 * i + 1]! }));
  }
}

/** Where the detector looks, and how large the faces are, in pixels, that it is believed there. */
interface Look { readonly square: Square; readonly between: readonly [least: number, most: number] }

/**
 * The whole picture in the upper left corner, as it was trained; the same at half the size, since it misses faces that fill the picture and sees some where none
 * are; and, where the picture is made much smaller, parts of it that overlap by more than the faces that are looked for there.
 */
function looksAt({ width, height }: Picture): Look[] {
  const side = Math.max(width, height), part = PART * side, starts = (length: number): number[] => (length <= part ? [0] : [0, length - part]);
  const whole: Look = { square: { center: { x: side / 2, y: side / 2 }, side }, between: [0, side / 2] };
  const closeUp: Look = { square: { center: { x: width / 2, y: height / 2 }, side: 2 * side }, between: [side / 4, Infinity] };
  if (side <= LARGE) return [whole, closeUp];
  return [whole, closeUp, ...starts(height).flatMap((y) => starts(width).map((x): Look => ({ square: { center: { x: x + part / 2, y: y + part / 2 }, side: part }, between: [0, (2 * PART - 1) * side] })))];
}

/** In shares of the square: each anchor moved and grown by what the network says of it, where it says that it is a face. TensorFlow's box coder, of scales 10 and 5. */
export function boxesOf(boxes: Tensor, scores: Tensor, anchors: Float32Array, confidence: number): Found[] {
  return Array.from({ length: anchors.length / 4 }, (_, i) => i).flatMap((i) => {
    const score = 1 / (1 + Math.exp(-scores.data[3 * i + 1]!));
    if (score <= confidence) return [];
    const [top, left, bottom, right] = anchors.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const [dy, dx, dh, dw] = boxes.data.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const height = Math.exp(dh / 5) * (bottom - top), width = Math.exp(dw / 5) * (right - left);
    const y = (top + bottom) / 2 + (dy / 10) * (bottom - top) - height / 2, x = (left + right) / 2 + (dx / 10) * (right - left) - width / 2;
    return [{ box: { x, y, width, height }, score }];
  });
}

/** At an edge of the square behind which the picture goes on. `box` in shares of the square. */
function isCut(box: Box, { center, side }: Square, { width, height }: Picture): boolean {
  const left = center.x - side / 2, top = center.y - side / 2;
  return (box.x < EDGE && left > 0) || (box.y < EDGE && top > 0) || (box.x + box.width > 1 - EDGE && left + side < width) || (box.y + box.height > 1 - EDGE && top + side < height);
}
const EDGE = 0.01;

/** Whole pixels, at least one; and where they began. */
function cut({ width, height, rgb }: Picture, box: Box): { picture: Picture; x: number; y: number } {
  const x = Math.min(width - 1, Math.floor(box.x)), y = Math.min(height - 1, Math.floor(box.y)), columns = Math.max(1, Math.min(width - x, Math.floor(box.width))), rows = Math.max(1, Math.min(height - y, Math.floor(box.height)));
  const out = new Uint8Array(3 * rows * columns);
  for (let row = 0; row < rows; row++) out.set(rgb.subarray(3 * ((y + row) * width + x), 3 * ((y + row) * width + x + columns)), 3 * row * columns);
  return { picture: { width: columns, height: rows, rgb: out }, x, y };
}
