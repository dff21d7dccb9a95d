// Where people are in a picture, and the 17 points of each (COCO's). MoveNet was made for one person in the middle; its maps show all, so they are looked
// for in the whole picture, and each then looked at in a square of its own.
import { buildMoveNet, MOVENET_SIDE, MOVENET_STRIDE } from '../families/pose/movenet';
import type { Runtime } from '../pipeline/runtime';
import { Sessions } from '../pipeline/sessions';
import type { Tensor } from '../tensor';
import type { TfjsModel } from '../weights/tfjs';
import type { Picture } from './picture';
import { inPicture, sampleSquare, wholeSquare, type Box, type Point, type Square } from './squares';

/** `score`: 0–1. */
export interface Keypoint extends Point { readonly score: number }

/** Nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles: of each pair the person's left first. */
export type Keypoints = readonly Keypoint[];
export const COCO = { nose: 0, leftEye: 1, rightEye: 2, leftEar: 3, rightEar: 4, leftShoulder: 5, rightShoulder: 6, leftElbow: 7, rightElbow: 8, leftWrist: 9, rightWrist: 10, leftHip: 11, rightHip: 12, leftKnee: 13, rightKnee: 14, leftAnkle: 15, rightAnkle: 16 } as const;

export interface Person {
  readonly points: Keypoints;
  /** Around the points that are seen. */
  readonly box: Box;
  /** Of its five surest points, the mean: 0–1. */
  readonly score: number;
}

export interface PeopleOptions {
  /** What scores less is none. */
  readonly confidence?: number;
}

/** What the network says of each place of its maps (families/pose/movenet.ts). */
interface Maps { readonly center: Tensor; readonly heat: Tensor; readonly regress: Tensor; readonly offset: Tensor }
interface Candidate { readonly center: Point; readonly points: Keypoints }

/** In MoveNet's own decoding: what is further from where it is expected counts less, by 1/(distance + 1.8). */
const NEAR = 1.8;
/** A point that scores less is not seen. */
export const SEEN = 0.3;
/** Where less of a person's centre is, nobody is looked at. */
const CENTER = 0.2;
/** Sides that the whole picture is looked at in: for one person who fills it, and for several. */
const LOOKS = [MOVENET_SIDE, 2 * MOVENET_SIDE];
/** Of a person's own square, beyond the points that were found so far. */
const MARGIN = 1.4;
/** People that are alike by more than this are one. */
const SAME = 0.5;

/** All of a person, whose points end at the eyes and ankles: with hair, hands and feet. */
export function wholeBox({ box: { x, y, width, height } }: Person): Box {
  const across = 0.15 * Math.max(width, height / 3), down = 0.12 * height;
  return { x: x - across, y: y - down, width: width + 2 * across, height: height + 2 * down };
}

/** Squares around the hands, where an arm ends: a third of the forearm beyond the wrist, half as large again as the longer part of the arm (OpenPose's own rule). */
export function handBoxes({ points }: Person): { box: Box; score: number }[] {
  const arms = [['leftShoulder', 'leftElbow', 'leftWrist'], ['rightShoulder', 'rightElbow', 'rightWrist']] as const;
  return arms.flatMap((names) => {
    const [shoulder, elbow, wrist] = names.map((name) => points[COCO[name]]!) as [Keypoint, Keypoint, Keypoint];
    if (wrist.score < SEEN || elbow.score < SEEN) return [];
    const forearm = Math.hypot(wrist.x - elbow.x, wrist.y - elbow.y), side = 1.5 * Math.max(forearm, shoulder.score < SEEN ? 0 : 0.9 * Math.hypot(elbow.x - shoulder.x, elbow.y - shoulder.y));
    const x = wrist.x + 0.33 * (wrist.x - elbow.x), y = wrist.y + 0.33 * (wrist.y - elbow.y);
    return [{ box: { x: x - side / 2, y: y - side / 2, width: side, height: side }, score: wrist.score }];
  });
}

export class PeopleFinder {
  private readonly model: TfjsModel;
  private readonly sessions: Sessions<'look' | 'person'>;

  constructor(model: TfjsModel, runtime: Runtime) {
    this.model = model;
    this.sessions = new Sessions(runtime);
  }

  /** The surest first; none where there is none. */
  async find(picture: Picture, { confidence = 0.4 }: PeopleOptions = {}): Promise<Person[]> {
    const candidates: Candidate[] = [], whole = wholeSquare(picture), at = inPicture(whole);
    for (const side of LOOKS) {
      const maps = await this.look('look', picture, whole, side);
      for (const place of centers(maps.center)) candidates.push({ center: at(middleOf(maps.center, place)), points: moved(pointsAt(maps, place), at) });
    }
    const people: Candidate[] = [];
    for (const candidate of different(candidates)) people.push(await this.lookCloser(picture, candidate));
    return different(people).flatMap(({ points }) => {
      const box = boxAround(points.filter(({ score }) => score >= SEEN)), score = meanScore(points.toSorted((a, b) => b.score - a.score).slice(0, 5));
      return box && score >= confidence ? [{ points, box, score }] : [];
    });
  }

  close(): Promise<void> { return this.sessions.close(); }

  /** In a square of its own, where that says more and it is still the same person. */
  private async lookCloser(picture: Picture, candidate: Candidate): Promise<Candidate> {
    const box = boxAround([candidate.center, ...candidate.points.filter(({ score }) => score >= SEEN)])!;
    const square = { center: { x: box.x + box.width / 2, y: box.y + box.height / 2 }, side: MARGIN * Math.max(box.width, box.height, MOVENET_STRIDE) }, at = inPicture(square);
    const maps = await this.look('person', picture, square, MOVENET_SIDE);
    const place = nearestCenter(maps.center, { x: (candidate.center.x - square.center.x) / square.side + 0.5, y: (candidate.center.y - square.center.y) / square.side + 0.5 });
    const closer = { center: at(middleOf(maps.center, place)), points: moved(pointsAt(maps, place), at) };
    return meanScore(closer.points) > meanScore(candidate.points) && likeness(closer, candidate) > SAME ? closer : candidate;
  }

  private async look(slot: 'look' | 'person', picture: Picture, square: Square, side: number): Promise<Maps> {
    const session = await this.sessions.take(slot, String(side), () => buildMoveNet(this.model, side));
    return await session.run({ image: sampleSquare(picture, square, side) }) as unknown as Maps;
  }
}

/** The points of the person whose centre is at `place`, as shares of the maps' sides. */
export function pointsAt({ heat, regress, offset }: Maps, place: number): Keypoint[] {
  const [, points = 0, height = 0, width = 0] = heat.dims, plane = height * width;
  return Array.from({ length: points }, (_, k) => {
    const y = Math.floor(place / width) + regress.data[2 * k * plane + place]!, x = (place % width) + regress.data[(2 * k + 1) * plane + place]!;
    const best = highest(heat.data.subarray(k * plane, (k + 1) * plane), width, x, y);
    return {
      x: ((best % width) + offset.data[(2 * k + 1) * plane + best]!) / width, y: (Math.floor(best / width) + offset.data[2 * k * plane + best]!) / height,
      score: heat.data[k * plane + best]!,
    };
  });
}

/** The place that is most a person's centre, and nearest to `expected`, shares of the map's sides. MoveNet itself expects the middle. */
export const nearestCenter = ({ dims: [, , height = 0, width = 0], data }: Tensor, expected: Point): number => highest(data, width, expected.x * width, expected.y * height);

/** Where the values are highest, less so the further from (x, y). */
function highest(values: Float32Array, width: number, x: number, y: number): number {
  let best = 0, most = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]! / (Math.hypot(Math.floor(i / width) - y, (i % width) - x) + NEAR);
    if (value > most) { most = value; best = i; }
  }
  return best;
}

/** The places that are more a person's centre than any within two steps. */
function centers({ dims: [, , height = 0, width = 0], data }: Tensor): number[] {
  return Array.from(data.keys()).filter((i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    if (data[i]! <= CENTER) return false;
    for (let y = Math.max(0, row - 2); y <= Math.min(height - 1, row + 2); y++) {
      for (let x = Math.max(0, column - 2); x <= Math.min(width - 1, column + 2); x++) {
        const other = y * width + x;
        if (data[other]! > data[i]! || (data[other] === data[i] && other < i)) return false;
      }
    }
    return true;
  });
}

const middleOf = ({ dims: [, , height = 0, width = 0] }: Tensor, place: number): Point => ({ x: ((place % width) + 0.5) / width, y: (Math.floor(place / width) + 0.5) / height });
const moved = (points: Keypoints, at: (share: Point) => Point): Keypoints => points.map(({ score, ...point }) => ({ ...at(point), score }));
const meanScore = (points: Keypoints): number => points.reduce((sum, { score }) => sum + score, 0) / points.length;

/** The surest of those that are alike. */
function different(all: readonly Candidate[]): Candidate[] {
  const kept: Candidate[] = [];
  for (const each of all.toSorted((a, b) => meanScore(b.points) - meanScore(a.points))) if (kept.every((other) => likeness(other, each) <= SAME)) kept.push(each);
  return kept;
}

/** As COCO's object keypoint similarity: 1 where all points are the same, and each counts as much as both are sure of it. */
function likeness(a: Candidate, b: Candidate): number {
  const size = Math.max(...[a, b].map(({ points }) => { const box = boxAround(points)!; return Math.max(box.width, box.height, 1); }));
  let sum = 0, weights = 0;
  a.points.forEach((point, i) => {
    const other = b.points[i]!, weight = Math.min(point.score, other.score);
    weights += weight;
    sum += weight * Math.exp(-((point.x - other.x) ** 2 + (point.y - other.y) ** 2) / (2 * (0.08 * size) ** 2));
  });
  return sum / weights;
}

function boxAround(points: readonly Point[]): Box | undefined {
  if (points.length === 0) return undefined;
  const [left, top, right, bottom] = [Math.min(...points.map(({ x }) => x)), Math.min(...points.map(({ y }) => y)), Math.max(...points.map(({ x }) => x)), Math.max(...points.map(({ y }) => y))];
  return { x: left, y: top, width: right - left, height: bottom - top };
}
