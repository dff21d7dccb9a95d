// What the studio asks of the process that reads pictures, and what it answers.
import type { PictureReport } from '../../../../preload/contract/picture-report';
import type { LocalModel } from '../../models/which-model';

/** `path` of an encoded picture; `name`: what people call it, '' where it has none. */
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

export type Answer = Answers[keyof Answers];
