// Models as the studio lists them, and what `inspect` says of a file.
import { z } from 'zod';
import { ErrorInfo } from './errors';
import { Problem } from './problems';

export const ModelKind = z.enum(['checkpoint', 'unet', 'text-encoder', 'vae', 'taesd', 'lora', 'embedding', 'hypernetwork', 'controlnet', 't2i-adapter',
  'ip-adapter', 'clip-vision', 'upscaler', 'motion-module', 'unknown']);
export type ModelKind = z.infer<typeof ModelKind>;

/** What a model file is, told from its keys and shapes. The window and `inspect --json` show the same. */
export const ModelReport = z.object({
  kind: ModelKind,
  /** sd1, sd2, sdxl, sdxl-refiner; others that we do not run are named all the same (sd3, flux, …). null when unknown. */
  family: z.string().nullable(),
  variant: z.enum(['base', 'inpaint', 'pix2pix', 'depth']).nullable(),
  prediction: z.enum(['eps', 'v']).nullable(),
  /** Who says so: 'user', the name of a file beside it, of a tensor or of a field of the metadata; 'weights', or 'family' where nothing says more. */
  predictionFrom: z.string().optional(),
  /** Its last timestep is pure noise. */
  zeroTerminalSnr: z.boolean().optional(),
  /** Of the weights, e.g. 'fp16'; 'mixed' where a file has several. */
  precision: z.string(),
  /** The network's weights, without buffers and without an EMA copy. */
  parameters: z.number(),
  tensors: z.number(),
  sizeBytes: z.number(),
  hashes: z.object({ sha256: z.string(), autov1: z.string(), autov2: z.string(), autov3: z.string() }).nullable(),
  metadata: z.record(z.string(), z.string()),
  /** Adapters (kind 'lora'): lora, locon, loha, lokr, dora, ia3, full, glora, oft, boft. */
  algorithm: z.string().optional(),
  /** Adapters: the rank that most modules have. */
  rank: z.number().optional(),
  /** Adapters: how many layers of the base model it changes. */
  modules: z.number().optional(),
  /** Adapters: words of the metadata that call it up. */
  trainedWords: z.array(z.string()).optional(),
  /** Upscalers: output size over input size. */
  scale: z.number().optional(),
  /** ControlNets: how many kinds of control a union knows. */
  controlKinds: z.number().optional(),
  /** 0–1. */
  confidence: z.number(),
  /** Missing or unexpected tensors, wrong shapes, what is not known. Empty when all is well. */
  problems: z.array(Problem),
  /** Whether this version of Atelier can make pictures with it. */
  runnable: z.boolean(),
});
export type ModelReport = z.infer<typeof ModelReport>;

/** Settings for a model that brings none of its own: what suits full-size Stable Diffusion. */
export const usualSettings = { steps: 24, cfg: 7, sampler: 'dpmpp_2m', schedule: 'karras' } as const;

export const ModelEntry = z.object({
  /** Stable for a file's path. */
  id: z.string(),
  /** null for what cannot be read. */
  kind: ModelKind.nullable(),
  name: z.string(),
  /** What tells it from another of its name: the last of its folders. Absent where no other has the name. */
  folder: z.string().optional(),
  path: z.string(),
  sizeBytes: z.number(),
  /** null until it has been computed in the background. */
  hash: z.string().nullable(),
  family: z.string().nullable(),
  variant: ModelReport.shape.variant,
  /** In effect: what the user said, else what the file says. `predictionDoubtful`: the file leaves it open. */
  prediction: ModelReport.shape.prediction,
  predictionDoubtful: z.boolean(),
  /** It makes pictures, by itself or with the parts that it lacks. */
  runnable: z.boolean(),
  /** Parts that it does not have inside, so that files for them must be chosen. */
  lacks: z.array(z.enum(['vae', 'text-encoder'])),
  /** Id of the VAE that bears its name and lies beside it, as A1111 looks for one: used where nothing else is said. */
  besideVae: z.string().nullable(),
  /** Ids of the files that are used with it where a job names none. */
  parts: z.object({ vae: z.string().nullable(), textEncoders: z.array(z.string()) }),
  /** Why it cannot be used, when it cannot. */
  error: ErrorInfo.nullable(),
  /** Longest comfortable side, from the file's metadata or the family. */
  nativeSize: z.object({ width: z.number(), height: z.number() }),
  /** Prompts to click, for models that bring some (the demo checkpoint). */
  examples: z.array(z.string()),
  /** Settings that suit the model. */
  defaults: z.object({ steps: z.int(), cfg: z.number(), sampler: z.string(), schedule: z.string() }),
  /** Of a LoRA that was distilled to need few steps: what pictures with it want. */
  suits: z.object({ steps: z.int(), cfg: z.number(), sampler: z.string(), schedule: z.string() }).optional(),
  /** Of an upscaler: the picture's size over what it was, as far as it is known. */
  scale: z.number().optional(),
  /** The one that ships with Atelier. */
  builtIn: z.boolean(),
  /** Of files that go beside a model: the family that they are made for, where that is as good as sure. */
  madeFor: z.string().optional(),
  /** Of a LoRA: the first words that its metadata says call it up. */
  trainedWords: z.array(z.string()).optional(),
  /** Of a ControlNet that knows several: how many kinds of control. */
  controlKinds: z.number().optional(),
});
export type ModelEntry = z.infer<typeof ModelEntry>;
