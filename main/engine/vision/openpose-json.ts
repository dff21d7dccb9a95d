// Poses as OpenPose writes them down, so that they can be edited, here or elsewhere: `people[].pose_keypoints_2d` is x, y and confidence in turn.
// github.com/CMU-Perceptual-Computing-Lab/openpose doc/02_output.md; canvas_width and canvas_height as ControlNet's extension adds them.
import { AppError } from '../errors';
import type { Picture } from './picture';
import { BODY_POINTS, drawPoses, FACE_POINTS, HAND_POINTS, type Pose, type Spot } from './skeleton';

export interface PosedPicture { readonly width: number; readonly height: number; readonly poses: readonly Pose[] }

/** Where OpenPose's newer body of 25 has the 18. */
const BODY_25 = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18];

export function writePoses({ width, height, poses }: PosedPicture): string {
  return JSON.stringify({
    people: poses.map(({ body, face, leftHand, rightHand }) => ({
      pose_keypoints_2d: numbersOf(body), face_keypoints_2d: face && numbersOf(face), hand_left_keypoints_2d: leftHand && numbersOf(leftHand), hand_right_keypoints_2d: rightHand && numbersOf(rightHand),
    })),
    canvas_width: width, canvas_height: height,
  });
}

const numbersOf = (spots: readonly Spot[]): number[] => spots.flatMap((spot) => (spot ? [spot.x, spot.y, 1] : [0, 0, 0]));

/**
 * Of a list of pictures, the first. Points may be shares of the canvas, as the extension once wrote them; `size` is used where the file says none.
 * Throws request.invalid naming what is wrong, as a field of the file.
 */
export function readPoses(text: string, size?: { readonly width: number; readonly height: number }): PosedPicture {
  const all = parsed(text), picture = (Array.isArray(all) ? all[0] : all) as Partial<Record<string, unknown>> | null | undefined;
  if (!Array.isArray(picture?.people)) throw invalid('people', 'missing');
  const width = sideOf(picture, 'canvas_width') ?? size?.width, height = sideOf(picture, 'canvas_height') ?? size?.height;
  if (!width || !height) throw invalid(width ? 'canvas_height' : 'canvas_width', 'missing');
  const poses = picture.people.map((person: unknown, i): Pose => {
    const read = (key: string, counts: readonly number[]): (Spot[] | undefined) => spotsOf(person, `people[${i}].${key}`, key, counts, width, height);
    const body = read('pose_keypoints_2d', [BODY_POINTS, 25]) ?? Array<Spot>(BODY_POINTS).fill(null);
    return {
      body: body.length === 25 ? BODY_25.map((at) => body[at]!) : body, face: read('face_keypoints_2d', [FACE_POINTS, 68]),
      leftHand: read('hand_left_keypoints_2d', [HAND_POINTS]), rightHand: read('hand_right_keypoints_2d', [HAND_POINTS]),
    };
  });
  return { width, height, poses };
}

/** At the size that the file says. Throws as `readPoses`. */
export function drawPosesOf(text: string): Picture {
  const { width, height, poses } = readPoses(text);
  return drawPoses(poses, width, height);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('people', 'format');
  }
}

function sideOf(picture: Partial<Record<string, unknown>>, key: string): number | undefined {
  const side = picture[key];
  if (side === undefined || side === null) return undefined;
  if (typeof side === 'number' && Number.isInteger(side) && side > 0 && side <= 65_536) return side;
  throw invalid(key, 'format');
}

/** undefined where there are none. What nobody is sure of is not seen. */
function spotsOf(person: unknown, field: string, key: string, counts: readonly number[], width: number, height: number): Spot[] | undefined {
  const numbers = (person as Partial<Record<string, unknown>> | null)?.[key];
  if (numbers === undefined || numbers === null || (Array.isArray(numbers) && numbers.length === 0)) return undefined;
  if (!Array.isArray(numbers) || !numbers.every((n) => typeof n === 'number' && Number.isFinite(n)) || !counts.some((count) => numbers.length === 3 * count)) throw invalid(field, 'format');
  const values = numbers as number[], isSeen = (i: number): boolean => values[i - (i % 3) + 2]! > 0;
  const areShares = values.every((n, i) => i % 3 === 2 || !isSeen(i) || Math.abs(n) <= 1), [right, down] = areShares ? [width, height] : [1, 1];
  return Array.from({ length: values.length / 3 }, (_, i) => (isSeen(3 * i) ? { x: values[3 * i]! * right, y: values[3 * i + 1]! * down } : null));
}

const invalid = (field: string, why: 'missing' | 'format'): AppError => new AppError('request.invalid', { field, why });
