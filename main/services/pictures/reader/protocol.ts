// What the studio asks of the process that reads pictures, and what it answers.
import type { PictureReport } from '../../../../preload/contract/picture-report';
import type { ControlPictureRequest } from '../../../../preload/contract/studio';
import type { LocalModel } from '../../models/which-model';

/** How a control's picture is made of one. */
export type ControlMaking = Omit<ControlPictureRequest, 'image'>;

/** `path` of an encoded picture; `name`: what people call it, '' where it has none. */
export type Question =
  | { readonly type: 'check'; readonly path: string; readonly name: string }
  | { readonly type: 'report'; readonly path: string; readonly locals: readonly LocalModel[] }
  | { readonly type: 'thumbnail'; readonly path: string }
  | { readonly type: 'control'; readonly path: string; readonly making: ControlMaking };

export interface Answers {
  readonly check: { readonly width: number; readonly height: number };
  readonly report: PictureReport;
  /** A WebP. */
  readonly thumbnail: Uint8Array;
  /** A WebP. */
  readonly control: Uint8Array;
}

export type Answer = Answers[keyof Answers];
