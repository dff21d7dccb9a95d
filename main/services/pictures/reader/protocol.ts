// What the studio asks of the process that reads pictures, one thing at a time, and what it answers: plain data, by structured clone.
import type { ErrorInfo } from '../../../../preload/contract/errors';
import type { PictureReport } from '../../../../preload/contract/picture-report';
import type { LocalModel } from '../read/resources';

/** `path` of an encoded picture; `name`: what people call it. */
export type Question =
  | { readonly type: 'check'; readonly path: string; readonly name: string }
  | { readonly type: 'report'; readonly path: string; readonly locals: readonly LocalModel[] }
  | { readonly type: 'thumbnail'; readonly path: string };

export interface Answers {
  readonly check: { readonly width: number; readonly height: number };
  readonly report: PictureReport;
  /** A WebP. */
  readonly thumbnail: Uint8Array;
}

/** It ends by itself when it holds more than `mostBytes`. */
export type ToReader = Question & { readonly mostBytes: number };

export type FromReader =
  | { readonly type: 'ready' }
  /** It has the question: from here on its death is the picture's doing. */
  | { readonly type: 'began' }
  | { readonly type: 'answer'; readonly answer: Answers[keyof Answers] }
  | { readonly type: 'refused'; readonly error: ErrorInfo };

/** Its exit code when it held too much. */
export const OUT_OF_MEMORY = 86;
