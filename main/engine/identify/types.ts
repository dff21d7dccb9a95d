// What a detector says of a file, and the few ways in which detectors look at names and shapes.
import type { ModelReport } from '../../../preload/contract/model';
import type { Dims } from '../tensor';
import type { WeightFile } from '../weights/source';

export interface Found extends Pick<ModelReport, 'kind' | 'family' | 'confidence' | 'algorithm' | 'rank' | 'modules' | 'scale' | 'controlKinds'> {
  readonly variant?: ModelReport['variant'];
}

/** null: the file is nothing that this detector knows. */
export type Detector = (file: WeightFile) => Found | null;

export const shapeOf = (file: WeightFile, name: string): Dims | undefined => file.tensors.get(name)?.shape;

/** The first tensor whose name matches. */
export function firstShape(file: WeightFile, pattern: RegExp): Dims | undefined {
  for (const { name, shape } of file.tensors.values()) if (pattern.test(name)) return shape;
  return undefined;
}

export const hasName = (file: WeightFile, pattern: RegExp): boolean => firstShape(file, pattern) !== undefined;

/** How many different texts `pattern` captures first. */
export function countDistinct(file: WeightFile, pattern: RegExp): number {
  const seen = new Set<string>();
  for (const name of file.tensors.keys()) {
    const match = pattern.exec(name);
    if (match) seen.add(match[1] ?? match[0]);
  }
  return seen.size;
}

/** Widths of the text context that the families' cross-attentions read. */
export const contextFamilies: Readonly<Record<number, string>> = { 768: 'sd1', 1024: 'sd2', 1280: 'sdxl-refiner', 2048: 'sdxl' };
