// What the studio and its worker say to each other: plain data in two closed unions, sent by structured clone. A seam that we own on
// both sides, so nothing is parsed here; the types are the contract.
import type { ErrorInfo } from '../../preload/contract/errors';
import type { Slots, WithModel } from '../../preload/contract/file-slots';
import type { Notice } from '../../preload/contract/notice';
import type { JobSpec, NamedFile, UpscaleJob } from '../../preload/contract/job';
import type { Trace } from '../engine/traces';

/** One end of what they talk through: by structured clone, in order. */
export interface Port<Out, In> {
  /** Is lost when the other side is gone. */
  post(message: Out): void;
  onMessage(listener: (message: In) => void): void;
  /** The other side is gone, or going: it hears nothing any more. At least once. */
  onClose(listener: () => void): void;
}

/** 8-bit RGB, row-major, no padding: `rgb.length === width * height * 3`. `alpha`: width·height bytes, where not all of it is opaque. */
export interface Pixels { readonly width: number; readonly height: number; readonly rgb: Uint8Array; readonly alpha?: Uint8Array | undefined }

export interface RunMessage {
  readonly type: 'run';
  readonly id: string;
  readonly job: JobSpec;
  /** Absolute paths of the job's files, or of diffusers folders. A hash in the job may be null while the file is still being hashed; the path decides. */
  readonly files: WithModel<Slots<string>>;
  /** Absolute paths of the job's pictures, encoded images of any size. */
  readonly pictures?: { readonly init?: string | undefined; readonly mask?: string | undefined; readonly depth?: string | undefined; readonly reference?: string | undefined; readonly controls?: readonly { readonly image: string; readonly mask?: string | undefined }[] };
  /** Absolute paths of all image towers that are here, for controls that read by one where `files` has none. */
  readonly imageEncoders?: readonly string[];
  /** Absolute path of a TAESD that shows the steps. */
  readonly previewPath?: string;
  /** An earlier worker had not enough memory for it, or may not have had: asks for a plan that needs less. */
  readonly sparing: boolean;
  /** The steps that have been made are handed over as often as this, for another worker to go on from. */
  readonly keepMs: number;
  /** What an earlier worker had handed over: goes on from there. */
  readonly state?: Uint8Array | undefined;
  /** Absolute path of the folder with trained words (textual inversion). */
  readonly embeddingsPath?: string;
}

/** A picture to be made larger. Absolute paths of the upscaler's file and of the picture, an encoded image of any size. */
export interface UpscaleMessage { readonly type: 'upscale'; readonly id: string; readonly job: UpscaleJob; readonly upscaler: string; readonly picture: string }
export type JobMessage = RunMessage | UpscaleMessage;

/** One job runs at a time: `run` or `upscale` is only sent after the last one has ended in `done`, `failed` or `cancelled`. */
export type ToWorker =
  | JobMessage
  /** Takes effect at the next step, or tile. Ignored when `id` is not the running job. */
  | { readonly type: 'cancel'; readonly id: string }
  /** Hand over the last step, where that has not been done: nobody will wait for the next one. Ignored when `id` is not the running job. */
  | { readonly type: 'keep'; readonly id: string }
  /** Let go of all models, after the running job. */
  | { readonly type: 'release' }
  /** Bytes of models to keep between jobs. */
  | { readonly type: 'settings'; readonly cacheBytes: number };

/** Seconds and bytes of one finished job, for the estimates. */
export interface JobTimings {
  /** From `run` to the start of the first step; near 0 when the model was already open. */
  readonly openSeconds: number;
  /** Mean of the steps after the first where there are several. */
  readonly stepSeconds: number;
  readonly decodeSeconds: number;
  /** Highest resident size of the worker so far, mapped weights included. */
  readonly peakBytes: number;
}

export type FromWorker =
  /** Sent once, first. Nothing is sent to a worker before it. */
  | { readonly type: 'ready'; readonly pid: number }
  | { readonly type: 'phase'; readonly id: string; readonly phase: 'loading' | 'running' | 'decoding' }
  /** The job goes on after this step, which an earlier worker has made; after step 0 it begins, of as many tiles as its picture has. */
  | { readonly type: 'resumed'; readonly id: string; readonly step: number; readonly steps: number }
  /** It cannot go on from the state that came with it, and begins at its first step. */
  | { readonly type: 'startedOver'; readonly id: string; readonly why: ErrorInfo }
  /** After each step. `step` counts from 1 to `steps` (fewer than `job.steps` in img2img); `seconds` is this step's own time. */
  | { readonly type: 'step'; readonly id: string; readonly step: number; readonly steps: number; readonly seconds: number; readonly preview?: Pixels }
  /** All of the job up to the last step that was told: a file's bytes, which `run` takes. */
  | { readonly type: 'state'; readonly id: string; readonly state: Uint8Array }
  | { readonly type: 'done'; readonly id: string; readonly pixels: Pixels; readonly timings: JobTimings; readonly notices: readonly Notice[];
    /** Trained words that were used: names, and the SHA-256 of their files. */
    readonly embeddings: readonly NamedFile[] }
  | { readonly type: 'failed'; readonly id: string; readonly error: ErrorInfo; /** Of a fault of ours. */ readonly trace?: Trace | undefined }
  | { readonly type: 'cancelled'; readonly id: string }
  /** After each job and after `release`: what the process holds now. */
  | { readonly type: 'memory'; readonly rssBytes: number; readonly models: readonly { readonly path: string; readonly bytes: number }[] };
