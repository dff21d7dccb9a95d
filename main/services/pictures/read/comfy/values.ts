// What an output of a node carries, as far as a job needs it. Everything is made bottom up and points back to what it was made of.
import type { ComfyNode } from './graph';

/** The input where a value is written, or what it was made of. */
export interface Origin { readonly node?: ComfyNode; readonly name?: string; readonly of?: readonly Origin[] }

export type Scalar = string | number | boolean;

export interface Plain { readonly kind: 'plain'; readonly value: Scalar; readonly origin: Origin }

/** Of a node that is not in the table, or of which this output is not known. `passed` is what came into it, by kind, where there is one alone. */
export interface Unknown { readonly kind: 'unknown'; readonly node: ComfyNode; readonly passed: ReadonlyMap<Value['kind'], Value> }

export interface Conditioning {
  readonly kind: 'conditioning';
  /** In our prompt language. */
  readonly text: Plain | Unknown;
  /** Whether ComfyUI's own language says all of it. Not where several were joined, or a node weighs as another program does. */
  readonly isComfy: boolean;
  readonly clip?: Value | undefined;
  /** Nodes that make something of it that has no words. */
  readonly doubts: readonly ComfyNode[];
}

export interface Lora { readonly name: Value; readonly weight?: Value | undefined; readonly textWeight?: Value | undefined }

/** A model, and what was done to it, one step at a time. */
export interface Model {
  readonly kind: 'model';
  readonly before?: Value | undefined;
  readonly file?: Value | undefined;
  readonly loras?: readonly Lora[] | undefined;
  readonly stack?: Value | undefined;
  readonly prediction?: Value | undefined;
  readonly rescale?: Value | undefined;
  /** A node that is not in the table. */
  readonly doubt?: ComfyNode;
}

/** What it was made of, as far as it is there. */
type Parts<Name extends string> = { readonly [name in Name]?: Value | undefined };

export interface Clip extends Parts<'before' | 'skip'> { readonly kind: 'clip' }
export interface Vae extends Parts<'name'> { readonly kind: 'vae' }
export interface LoraStack { readonly kind: 'loras'; readonly before?: Value | undefined; readonly loras: readonly Lora[] }
export interface Noise extends Parts<'seed'> { readonly kind: 'noise' }
export interface Sampler extends Parts<'name'> { readonly kind: 'sampler' }
export interface Guider extends Parts<'model' | 'positive' | 'negative' | 'cfg'> { readonly kind: 'guider' }
export interface Sigmas extends Parts<'model' | 'steps' | 'scheduler' | 'denoise' | 'start'> { readonly kind: 'sigmas' }
export interface UpscaleModel extends Parts<'name'> { readonly kind: 'upscaler' }
/** Efficiency's second pass, a node beside the sampler. */
export interface Script extends Parts<'scale' | 'steps' | 'denoise' | 'upscaler' | 'model'> { readonly kind: 'script' }

export interface Size { readonly width: Value; readonly height: Value }

/** What changed a picture's size. */
export interface Resize {
  readonly by?: Value | undefined;
  readonly to?: Size | undefined;
  readonly upscaler?: Value | undefined;
  readonly method?: Value | undefined;
}

/** A sampler's work, by the names of `fields.ts`. */
export interface Pass {
  readonly node: ComfyNode;
  readonly fields: Fields;
  readonly isSure: boolean;
  readonly refiner?: { readonly model: Value | undefined; readonly at: Value | undefined };
}

/** Latents or pixels, and how they came about. */
export interface Picture {
  readonly kind: 'picture';
  readonly before?: Picture | undefined;
  readonly pass?: Pass;
  readonly resize?: Resize;
  readonly size?: Size | undefined;
  /** A node that is not in the table made it of the one before. */
  readonly doubt?: ComfyNode;
  /** What decoded or encoded it. */
  readonly vae?: Value | undefined;
  /** As large as before. */
  readonly keepsSize: boolean;
  readonly isLatent: boolean;
}

/** Several values that travel as one: a "pipe", a context, a bus. What it does not have is absent, or not known where `rest` is there. */
export interface Bundle { readonly kind: 'bundle'; readonly fields: Fields; readonly rest?: Unknown | undefined }

export type Fields = ReadonlyMap<string, Value>;
export type Value =
  | Plain | Unknown | Conditioning | Model | Clip | Vae | LoraStack | Noise | Sampler | Guider | Sigmas | UpscaleModel | Script | Picture | Bundle;

/** undefined where it is absent or another kind. A node that is not in the table is taken to pass a single model, text encoder, VAE or picture on. */
export function as<K extends Value['kind']>(kind: K, value: Value | undefined): Extract<Value, { kind: K }> | undefined {
  const found = value?.kind === 'unknown' && kind !== 'unknown' ? value.passed.get(kind) : value;
  return found?.kind === kind ? (found as Extract<Value, { kind: K }>) : undefined;
}

export const plain = (value: Scalar, ...of: readonly Plain[]): Plain => ({ kind: 'plain', value, origin: { of: of.map(({ origin }) => origin) } });
