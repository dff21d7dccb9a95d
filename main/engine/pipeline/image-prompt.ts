// IP-Adapters while a picture is made: a picture is told as tokens beside the text's, by an image tower that reads it once.
import { AppError } from '../errors';
import { buildClipVision, clipVisionConfig, type ClipVisionConfig } from '../families/control/clip-vision';
import { attendToPicture, buildImageTokens, fitsUnet, ipAdapterConfig, isFaceId, type IpAdapterConfig } from '../families/control/ip-adapter';
import type { UnetConfig, UnetShape } from '../families/unet';
import { composeHooks } from '../graph/hooks';
import { contextFamilies } from '../identify/types';
import { float32, type Tensor } from '../tensor';
import type { WeightFile } from '../weights/source';
import { stack } from './batches';
import { otherBase, shrunk, type OpenControl } from './control';
import type { Extension } from './extensions';
import type { Runtime } from './runtime';
import { Sessions } from './sessions';

/** What is told of a picture [1, tokens, contextDim], and for the side of the guidance without the prompt. */
interface Tokens { readonly cond: Tensor; readonly uncond: Tensor }

export interface ImageAdapter {
  readonly file: WeightFile;
  /** Tells contents of the file apart. */
  readonly version: string;
  readonly config: IpAdapterConfig;
  /** Pixels along the side of the picture that it reads. */
  readonly side: number;
  readonly tokens: number;
  /** `picture` [1, 3, side, side] in 0…1. */
  read(picture: Tensor): Promise<Tokens>;
}

export interface ImagePrompt extends Omit<OpenControl, 'network'> { readonly network: ImageAdapter }

/** CLIP's means and deviations of red, green and blue. */
const MEANS = [0.48145466, 0.4578275, 0.40821073], DEVIATIONS = [0.26862954, 0.26130258, 0.27577711];

/** How the towers that were published are called, by the width of what an adapter reads. */
const towers: Readonly<Record<'embedding' | 'width', Readonly<Record<number, string>>>> = { embedding: { 768: 'ViT-L/14', 1024: 'ViT-H/14', 1280: 'ViT-bigG/14' }, width: { 1024: 'ViT-L/14', 1280: 'ViT-H/14', 1664: 'ViT-bigG/14' } };

interface Beside { readonly unet: UnetConfig; /** Opens those that it may read by. */ readonly towers: () => Promise<readonly WeightFile[]>; readonly version: string }

/** undefined where the file is none. Throws control.faceId, control.otherBase, control.tower where none of `towers` has the width that it reads. */
export async function openImageAdapter(file: WeightFile, { unet, towers: found, version }: Beside, runtime: Runtime): Promise<ImageAdapter | undefined> {
  if (isFaceId(file)) throw new AppError('control.faceId', { file: file.path });
  const config = ipAdapterConfig(file);
  if (!config) return undefined;
  if (!fitsUnet(file, config, unet)) throw otherBase(file, contextFamilies[config.contextDim], unet);
  const read = config.form === 'plain' ? 'embedding' : 'width', known = (await found()).map((tower) => ({ tower, its: clipVisionConfig(tower) }));
  const fitting = known.find(({ its }) => its?.[read] === config.inputs), [other] = known;
  const wanted = towers[read][config.inputs] ?? `${config.inputs}`;
  if (!fitting) throw new AppError('control.tower', other ? { why: 'other', file: file.path, tower: other.tower.path, wanted } : { why: 'missing', file: file.path, wanted });
  return new IpAdapter(file, version, config, { file: fitting.tower, config: fitting.its! }, runtime);
}

class IpAdapter implements ImageAdapter {
  readonly file: WeightFile;
  readonly version: string;
  readonly config: IpAdapterConfig;
  readonly side: number;
  readonly tokens: number;
  private readonly tower: { readonly file: WeightFile; readonly config: ClipVisionConfig };
  private readonly sessions: Sessions<never>;

  constructor(file: WeightFile, version: string, config: IpAdapterConfig, tower: { readonly file: WeightFile; readonly config: ClipVisionConfig }, runtime: Runtime) {
    this.file = file;
    this.version = version;
    this.config = config;
    this.tower = tower;
    this.side = tower.config.side;
    this.tokens = config.tokens ?? this.patches;
    this.sessions = new Sessions(runtime);
  }

  /** With the class. */
  private get patches(): number { return 1 + (this.tower.config.side / this.tower.config.patch) ** 2; }

  async read(picture: Tensor): Promise<Tokens> {
    const { file, config, side } = this, isPlain = config.form === 'plain', pixels = normalised(picture), nothing = float32([1, 3, side, side]);
    // Without the prompt it is told of nothing: of an embedding of zeros, or of a picture of the mean colour.
    const seen = await this.sessions.once(buildClipVision(this.tower.file, this.tower.config, isPlain ? 1 : 2), { pixels: isPlain ? pixels : stack([pixels, nothing]) });
    const told = isPlain ? stack([seen['embeds']!, float32(seen['embeds']!.dims)]) : seen['penultimate']!;
    const { data, dims: [, ...shape] } = (await this.sessions.once(buildImageTokens(file, config, 2, this.patches), { picture: told }))['tokens']!, half = data.length / 2;
    return { cond: float32([1, ...shape], data.slice(0, half)), uncond: float32([1, ...shape], data.slice(half)) };
  }
}

function normalised({ dims, data }: Tensor): Tensor {
  const size = data.length / 3;
  return float32(dims, data.map((value, i) => { const c = Math.floor(i / size); return (value - MEANS[c]!) / DEVIATIONS[c]!; }));
}

/** Each adds to what the words say, by layers of its own. */
export function imageExtension(prompts: readonly ImagePrompt[]): Extension {
  const told = prompts.map((): Promise<Tokens> | undefined => undefined);
  return {
    key: JSON.stringify(['image', ...prompts.map(({ network: { file, version, tokens }, mask }) => [file.path, version, tokens, mask !== undefined])]),
    hooks: (size, unet) => composeHooks(prompts.map(({ network: { file, config, tokens }, mask }, i) =>
      attendToPicture(file, config, unet, { batch: size.batch, tokens, input: `image${i}`, places: mask && levelsOf(size).map(({ height, width }) => height * width) }))),
    async feeds({ rows, progress, x: { dims } }) {
      const [, , height, width] = dims as [number, number, number, number], feeds: Record<string, Tensor> = {};
      for (const [i, { network, settings: { weight, start, end }, picture, mask }] of prompts.entries()) {
        const { tokens, config: { contextDim }, side } = network, strength = progress < start || progress > end ? 0 : weight;
        const one = strength === 0 ? undefined : await (told[i] ??= picture(side, side).then((each) => network.read(each)));
        feeds[`image${i}.tokens`] = one ? stack(rows.map((row) => one[row])) : float32([rows.length, tokens, contextDim]);
        feeds[`image${i}.weight`] = mask ? weightsAt(await mask(8 * width, 8 * height), { height, width }, strength) : float32([rows.length, 1, 1], new Float32Array(rows.length).fill(strength));
      }
      return feeds;
    },
  };
}

/** Every level there may be, whether or not it reads words: places that halve five times. */
const LEVELS = 5;

/** Of latents of this size, each level once. */
const levelsOf = ({ height, width }: Pick<UnetShape, 'height' | 'width'>): { height: number; width: number }[] =>
  Array.from({ length: LEVELS }, (_, i) => ({ height: Math.ceil(height / 2 ** i), width: Math.ceil(width / 2 ** i) }));

function weightsAt(mask: Tensor, size: { height: number; width: number }, strength: number): Tensor {
  const all = levelsOf(size).flatMap(({ height, width }) => [...shrunk(mask, height, width)]);
  return float32([1, all.length, 1], Float32Array.from(all, (value) => value * strength));
}
