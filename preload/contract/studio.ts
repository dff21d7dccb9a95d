// The machine, the settings and the estimate: the rest of what the window asks for.
import { z } from 'zod';
import { Control } from './control';
import { ErrorInfo } from './errors';
import { breaks } from './invalid';
import type { Notice } from './notice';

/** What happened to the data folder and the person should know, until they put it away: nothing that keeps the studio from working. */
export const StudioNotice = z.object({ id: z.string(), about: ErrorInfo });
export type StudioNotice = z.infer<typeof StudioNotice>;

export const MachineInfo = z.object({
  /** 'cpu' for now; later the execution provider in use. */
  provider: z.string(),
  cores: z.int(),
  cpu: z.string(),
  /** `mappedByWorkerBytes`: of those in use, what is model files, which the system takes back when it needs the room. */
  memory: z.object({ totalBytes: z.number(), usedByWorkerBytes: z.number(), mappedByWorkerBytes: z.number() }),
  version: z.string(),
  dataDir: z.string(),
  notices: z.array(StudioNotice),
});
export type MachineInfo = z.infer<typeof MachineInfo>;

export const EstimateRequest = z.object({ model: z.string(), width: z.int(), height: z.int(), steps: z.int(), cfg: z.number(), sampler: z.string(), vae: z.string().nullable().optional() });
export type EstimateRequest = z.infer<typeof EstimateRequest>;

/** Before a run. `basis` says how sure: measured on this machine with this model and size, scaled from another run, or guessed. */
export const Estimate = z.object({ seconds: z.number(), secondsPerStep: z.number(), peakBytes: z.number(), basis: z.enum(['measured', 'scaled', 'guessed']) });
export type Estimate = z.infer<typeof Estimate>;

/** A control's picture as its network would read it, for a job of this size. */
export const ControlPictureRequest = Control.pick({ image: true, preprocessor: true, resize: true }).extend({ width: z.int().min(64).max(4096), height: z.int().min(64).max(4096) });
export type ControlPictureRequest = z.infer<typeof ControlPictureRequest>;

/** Which LoRAs the tags of a prompt call up, before a picture is asked for. */
export const PromptLorasRequest = z.object({ prompt: z.string().max(100_000), model: z.string() });
export type PromptLorasRequest = z.infer<typeof PromptLorasRequest>;

/** `id`: of the file; `notices`: of those that call up nothing, or not all that they say. */
export interface PromptLoras { loras: { id: string; name: string; unet: number; text: number }[]; notices: Notice[] }

/** A named text that is put around a prompt, at `{prompt}`, or behind it. */
export const PromptStyle = z.object({ name: z.string(), prompt: z.string(), negative: z.string() });
export type PromptStyle = z.infer<typeof PromptStyle>;

/** What the user knows better about a model than its file tells. What a newer version knows besides is kept. */
const KnownOfModel = z.object({
  prediction: z.enum(['eps', 'v']).optional(),
  /** Ids of files that stand in for its own parts; `vae` null: its own, whatever lies beside it. */
  vae: z.string().nullable().optional(), textEncoders: z.array(z.string()).optional(),
});
const ModelSettings = KnownOfModel.loose() as unknown as typeof KnownOfModel;

export const Settings = z.object({
  version: z.literal(1).default(1),
  /** Folders with models besides `<data>/models`. They stay where they are. */
  modelFolders: z.array(z.string()).default([]),
  /** Single model files that were added by their path. They stay where they are, too. */
  modelFiles: z.array(z.string()).default([]),
  /** By the model's id. */
  modelSettings: z.record(z.string(), ModelSettings).default({}),
  theme: z.enum(['system', 'dark', 'light']).default('system'),
  language: z.string().default('en'),
  /** Bytes of models kept in memory between jobs before the least used is let go. null: chosen from the machine. */
  modelCacheBytes: z.number().nullable().default(null),
});
export type Settings = z.infer<typeof Settings>;

const { modelSettings, theme, language, modelCacheBytes } = Settings.shape;
/** From a root or a drive on: another process may stand in another folder. */
const WholePath = z.string().refine((path) => /^(?:[/\\]|[A-Za-z]:[/\\])/.test(path) && !path.includes('\0'), breaks('path', ''));
/** A change of what is named and nothing else: `Settings.partial()` would fill the rest with its defaults. */
export const SettingsPatch = z.object({
  modelFolders: z.array(WholePath), modelFiles: z.array(WholePath), modelSettings: modelSettings.unwrap(), theme: theme.unwrap(), language: language.unwrap(), modelCacheBytes: modelCacheBytes.unwrap(),
}).partial();
