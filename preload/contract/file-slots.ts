// The files that a job names, each in its slot. All that asks for files, finds, sends, opens, writes or reads them goes by this table. No objects of zod
// here, as in vocabulary.ts.
import type { ModelKind } from './model';

interface FileSlot {
  /** What a file for it may be. */
  readonly kinds: readonly ModelKind[];
  /** How many it takes where it is a list of files; else it takes one. */
  readonly most?: number;
  /** Stands in for a part of the model in this slot, and is opened with it. */
  readonly partOf?: 'model';
  /** The terminal's, without dashes, where somebody may name one there. */
  readonly flag?: string;
  /** Filled by the words of the prompts, not by who asks. */
  readonly fromWords?: true;
  /** Its names keep their endings, as other programs write them. */
  readonly withEnding?: true;
  /** How A1111's text names it: by name and hash, by its name alone, by a title 'name [hash]', each by a number, all by 'name: hash, …', or each among its settings. */
  readonly inText: { readonly name: string; readonly hash: string } | { readonly named: string } | { readonly title: string } | { readonly numbered: string } | { readonly hashes: string } | { readonly withSettings: true };
}

const fileSlots = {
  /** A checkpoint, or a U-Net with what it lacks in other slots. */
  model: { kinds: ['checkpoint', 'unet'], flag: 'model', inText: { name: 'Model', hash: 'Model hash' } },
  /** Decodes and encodes in place of the model's own autoencoder: a VAE, that of a checkpoint, or a TAESD for a fast decode. */
  vae: { kinds: ['vae', 'taesd', 'checkpoint'], partOf: 'model', flag: 'vae', withEnding: true, inText: { name: 'VAE', hash: 'VAE hash' } },
  /** In place of the model's own, in any order: the U-Net's family tells which is which. The names in the text are Forge's. */
  textEncoders: { kinds: ['text-encoder'], most: 2, partOf: 'model', flag: 'text-encoder', inText: { numbered: 'Module' } },
  /** A second model, which finishes what the first began. */
  refiner: { kinds: ['checkpoint'], flag: 'refiner', inText: { title: 'Refiner' } },
  /** Makes pictures larger: of a job that does nothing else, and between the passes of hires fix. */
  upscaler: { kinds: ['upscaler'], flag: 'upscaler', inText: { named: 'Hires upscaler' } },
  /** Adapters of the U-Net and the text encoders: LoRA and its family. */
  loras: { kinds: ['lora'], most: 64, flag: 'lora', inText: { hashes: 'Lora hashes' } },
  /** Networks that read a picture and steer by it. Each goes with the settings in the same place of the job's `controls`. */
  controls: { kinds: ['controlnet', 't2i-adapter', 'ip-adapter'], most: 16, flag: 'control', inText: { withSettings: true } },
  /** Image towers that IP-Adapters read by; without one, that of the right width among those that are here. */
  imageEncoders: { kinds: ['clip-vision'], most: 2, flag: 'image-encoder', inText: { withSettings: true } },
  /** Trained words (textual inversion) that the prompts called up. */
  embeddings: { kinds: ['embedding'], most: Infinity, fromWords: true, inText: { hashes: 'TI hashes' } },
} as const satisfies Readonly<Record<string, FileSlot>>;

type Table = typeof fileSlots;
export type SlotName = keyof Table;
type ListSlot = { [S in SlotName]: Table[S] extends { readonly most: number } ? S : never }[SlotName];
/** Of files that stand in for parts of the model. */
export type PartSlot = { [S in SlotName]: Table[S] extends { readonly partOf: string } ? S : never }[SlotName];
type SingleSlot = Exclude<SlotName, ListSlot>;

/** Something of each file of a job: its name and hash, its id here, its path; `L` in lists. A slot that is left out holds nothing. */
export type Slots<T, L = T> = { [S in SingleSlot]?: T | undefined } & { [S in ListSlot]?: L[] | undefined };
/** The model is always there. */
export type WithModel<S extends { model?: unknown }> = S & { model: NonNullable<S['model']> };

/** What goes with a model where nothing is said of the job: what its settings say, else the VAE of its name that lies beside it, as A1111 looks for one, else its own. */
export const usualParts = (besideVae: string | null, { vae = besideVae, textEncoders = [] }: { vae?: string | null | undefined; textEncoders?: string[] | undefined } = {}): { vae: string | null; textEncoders: string[] } => ({ vae, textEncoders });

export const slotNames = Object.keys(fileSlots) as SlotName[];
export const slotOf = (name: SlotName): FileSlot => fileSlots[name];

/** Each file with its slot, in the table's order. */
export function slotEntries<T>(files: Readonly<Slots<T>>): [slot: SlotName, file: T][] {
  return slotNames.flatMap((slot) => [files[slot]].flat().flatMap((file): [SlotName, T][] => (file === undefined ? [] : [[slot, file as T]])));
}

/** The same slots of something else. */
export function mapSlots<T, U>(files: WithModel<Readonly<Slots<T>>>, change: (file: T, slot: SlotName) => U): WithModel<Slots<U>>;
export function mapSlots<T, U>(files: Readonly<Slots<T>>, change: (file: T, slot: SlotName) => U): Slots<U>;
export function mapSlots<T, U>(files: Readonly<Slots<T>>, change: (file: T, slot: SlotName) => U): Slots<U> {
  return slotsFrom(slotEntries(files).map(([slot, file]) => [slot, change(file, slot)]));
}

export function slotsFrom<T>(entries: Iterable<readonly [slot: SlotName, file: T]>): Slots<T> {
  const slots: Record<string, T | T[]> = {};
  for (const [slot, file] of entries) {
    if (slotOf(slot).most === undefined) slots[slot] = file;
    else slots[slot] = [...(slots[slot] as T[] | undefined ?? []), file];
  }
  return slots as Slots<T>;
}
