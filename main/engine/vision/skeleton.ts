// People as OpenPose has them, 18 points a body, 21 a hand, 70 a face, and drawn as ControlNet's openpose preprocessor draws them.
import { COCO, SEEN, type Keypoints } from './people';
import type { Picture } from './picture';
import type { Point } from './squares';
import { ellipsePolygon, fillCircle, fillConvex, thickLine, type Color } from './raster';
import { roundEven } from './resize';

/** In pixels; null where it is not seen. */
export type Spot = Point | null;

export interface Pose {
  /** 18: nose, neck, right arm (shoulder, elbow, wrist), left arm, right leg (hip, knee, ankle), left leg, right eye, left eye, right ear, left ear. */
  readonly body: readonly Spot[];
  /** 21 each: wrist, then thumb to little finger, four joints each from the palm on. */
  readonly leftHand?: readonly Spot[] | undefined;
  readonly rightHand?: readonly Spot[] | undefined;
  /** 70: the 68 of iBUG 300-W, then the right and the left pupil. */
  readonly face?: readonly Spot[] | undefined;
}

const BODY = ['nose', undefined, 'rightShoulder', 'rightElbow', 'rightWrist', 'leftShoulder', 'leftElbow', 'leftWrist', 'rightHip', 'rightKnee', 'rightAnkle',
  'leftHip', 'leftKnee', 'leftAnkle', 'rightEye', 'leftEye', 'rightEar', 'leftEar'] as const;
export const NECK = 1, BODY_POINTS = 18, HAND_POINTS = 21, FACE_POINTS = 70;

/** Pairs of body points, in the order in which they are drawn. */
const LIMBS = [[1, 2], [1, 5], [2, 3], [3, 4], [5, 6], [6, 7], [1, 8], [8, 9], [9, 10], [1, 11], [11, 12], [12, 13], [1, 0], [0, 14], [14, 16], [0, 15], [15, 17]] as const;
/** Of each limb, six tenths as bright, and of each point. */
const COLORS: readonly Color[] = [[255, 0, 0], [255, 85, 0], [255, 170, 0], [255, 255, 0], [170, 255, 0], [85, 255, 0], [0, 255, 0], [0, 255, 85], [0, 255, 170], [0, 255, 255],
  [0, 170, 255], [0, 85, 255], [0, 0, 255], [85, 0, 255], [170, 0, 255], [255, 0, 255], [255, 0, 170], [255, 0, 85]];
const STICK_WIDTH = 4, POINT_RADIUS = 4, FACE_RADIUS = 3, FINGER_WIDTH = 2;
const HAND_COLOR: Color = [0, 0, 255], FACE_COLOR: Color = [255, 255, 255];

/** COCO's points as OpenPose's body; the neck is half-way between the shoulders. */
export function bodyOf(points: Keypoints): Spot[] {
  const spot = (name: keyof typeof COCO): Spot => { const { x, y, score } = points[COCO[name]]!; return score >= SEEN ? { x, y } : null; };
  const [left, right] = [spot('leftShoulder'), spot('rightShoulder')];
  return BODY.map((name) => (name ? spot(name) : left && right && { x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 }));
}

/** On black, in the order in which they are given. */
export function drawPoses(poses: readonly Pose[], width: number, height: number): Picture {
  const picture = { width, height, rgb: new Uint8Array(3 * width * height) };
  for (const { body, leftHand, rightHand, face } of poses) {
    drawBody(picture, body);
    for (const hand of [leftHand, rightHand]) if (hand) drawHand(picture, hand);
    if (face) drawFace(picture, face);
  }
  return picture;
}

function drawBody(picture: Picture, body: readonly Spot[]): void {
  LIMBS.forEach(([from, to], i) => {
    const [a, b] = [body[from], body[to]];
    if (!a || !b) return;
    const length = Math.hypot(a.x - b.x, a.y - b.y), angle = (Math.atan2(a.y - b.y, a.x - b.x) * 180) / Math.PI;
    const limb = ellipsePolygon({ x: Math.trunc((a.x + b.x) / 2), y: Math.trunc((a.y + b.y) / 2) }, Math.trunc(length / 2), STICK_WIDTH, Math.trunc(angle));
    fillConvex(picture, limb, COLORS[i]!.map((value) => Math.trunc(value * 0.6)) as unknown as Color);
  });
  body.forEach((spot, i) => { if (spot) fillCircle(picture, pixelOf(spot), POINT_RADIUS, COLORS[i]!); });
}

function drawHand(picture: Picture, hand: readonly Spot[]): void {
  const bones = Array.from({ length: 20 }, (_, i) => [i % 4 === 0 ? 0 : i, i + 1] as const), pixels = hand.map((spot) => spot && pixelOf(spot));
  bones.forEach(([from, to], i) => {
    const [a, b] = [pixels[from], pixels[to]];
    if (isInside(a) && isInside(b)) thickLine(picture, a, b, FINGER_WIDTH, hue(i / bones.length));
  });
  for (const pixel of pixels) if (isInside(pixel)) fillCircle(picture, pixel, POINT_RADIUS, HAND_COLOR);
}

function drawFace(picture: Picture, face: readonly Spot[]): void {
  for (const spot of face) {
    const pixel = spot && pixelOf(spot);
    if (isInside(pixel)) fillCircle(picture, pixel, FACE_RADIUS, FACE_COLOR);
  }
}

const pixelOf = ({ x, y }: Point): Point => ({ x: Math.trunc(x), y: Math.trunc(y) });
/** Of hands and faces, nothing is drawn on the first row and column or beyond them. */
const isInside = (pixel: Spot | undefined): pixel is Point => Boolean(pixel && pixel.x > 0 && pixel.y > 0);

/** A full colour of the wheel, 0–1. */
function hue(turn: number): Color {
  const sector = Math.floor(turn * 6), rise = turn * 6 - sector;
  const [up, down] = [roundEven(255 * rise), roundEven(255 * (1 - rise))];
  return ([[255, up, 0], [down, 255, 0], [0, 255, up], [0, down, 255], [up, 0, 255], [255, 0, down]] as const)[sector]!;
}
