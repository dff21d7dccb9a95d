// Control: networks that read a picture and add to what a U-Net's blocks give, at every evaluation. Several at once are added up.
import type { Control as ControlSettings } from '../../../preload/contract/control';
import { familyNames } from '../../../preload/contract/vocabulary';
import type { Part } from '../editing/repaint';
import { AppError } from '../errors';
import { buildControlHint, buildControlNet, controlNetConfig, KIND_WIDTH, type ControlNetConfig } from '../families/control/controlnet';
import { controlNetFile, needsBase } from '../families/control/controlnet-file';
import { addedAt, controlNetPlaces, inputAt, MIDDLE, type Place } from '../families/control/places';
import { buildT2iAdapter, featurePlaces, t2iAdapterConfig, type T2iAdapterConfig } from '../families/control/t2i-adapter';
import { timestepEmbedding, type UnetConfig, type UnetShape } from '../families/unet';
import { contextFamilies } from '../identify/types';
import { float32, int64, type AnyTensor, type Dims, type Tensor } from '../tensor';
import type { WeightFile } from '../weights/source';
import type { Extension, UnetCall } from './extensions';
import type { Runtime } from './runtime';
import { Sessions } from './sessions';

/** What it adds at each place, in the order of its outputs, from x, t and the condition of a call. */
type Answer = (call: UnetCall) => Promise<readonly Tensor[]>;

export interface ControlNetwork {
  readonly places: readonly Place[];
  /** How much each place counts where the prompt is to be more important. */
  readonly softly: readonly number[];
  /** Of what is added at each place. */
  shapes(size: UnetShape): readonly Dims[];
  /** `picture` [1, 3, 8·H, 8·W] in 0…1 is read once. `kind`: of a union. */
  read(picture: Tensor, size: UnetShape, kind: number | undefined): Promise<Answer>;
  release(): Promise<void>;
  close(): Promise<void>;
}

/** The network in the file, for the U-Net of `base`. Throws control.notRead where it is another kind, control.otherBase, weights.*. */
export function openControl(file: WeightFile, base: { readonly file: WeightFile; readonly unet: UnetConfig }, runtime: Runtime): ControlNetwork {
  const adapter = t2iAdapterConfig(file);
  if (adapter) return new T2iAdapter(file, adapter, base.unet, runtime);
  const whole = controlNetFile(file, needsBase(file) ? base.file : undefined), config = controlNetConfig(whole, base.unet.heads);
  if (!config) throw new AppError('control.notRead', { file: file.path });
  return new ControlNet(whole, config, base.unet, runtime);
}

/** Which base it was made for shows in the text that it reads, in its width and in its blocks. */
function assertSameBase(file: WeightFile, own: UnetConfig, unet: UnetConfig): void {
  const traits = ({ contextDim, modelChannels, channels, vectorDim }: UnetConfig): string => JSON.stringify([contextDim, modelChannels, channels, vectorDim]);
  if (traits(own) !== traits(unet)) throw otherBase(file, contextFamilies[own.contextDim], unet);
}

export const otherBase = ({ path }: WeightFile, own: string | undefined, unet: UnetConfig): AppError =>
  new AppError('control.otherBase', { file: path, family: labelOf(own), model: labelOf(contextFamilies[unet.contextDim]) });

const labelOf = (family: string | undefined): string => familyNames[family ?? '']?.short ?? 'other';

class ControlNet implements ControlNetwork {
  readonly places: readonly Place[];
  readonly softly: readonly number[];
  private readonly file: WeightFile;
  private readonly config: ControlNetConfig;
  private readonly sessions: Sessions<'control'>;

  constructor(file: WeightFile, config: ControlNetConfig, unet: UnetConfig, runtime: Runtime) {
    assertSameBase(file, config, unet);
    this.file = file;
    this.config = config;
    this.sessions = new Sessions(runtime);
    this.places = controlNetPlaces(config);
    // As ControlNet's guess mode weighs SD 1's thirteen; shorter ones begin as weakly, as sd-webui-controlnet has it.
    this.softly = this.places.map((_, i) => 0.825 ** (12 - i));
  }

  shapes(size: UnetShape): readonly Dims[] {
    return buildControlNet(this.file, this.config, size).outputs.map(({ value }) => value.dims);
  }

  async read(picture: Tensor, { height, width }: UnetShape, kind: number | undefined): Promise<Answer> {
    const { kinds } = this.config, isTold = kinds > 0 && kind !== undefined;
    if (isTold && kind >= kinds) throw new AppError('control.kind', { file: this.file.path, kind, kinds });
    const told: Record<string, AnyTensor> = isTold ? { kind: int64([1], [kind]) } : {};
    const { features } = await this.sessions.once(buildControlHint(this.file, this.config, { batch: 1, height, width }, isTold), { hint: picture, ...told });
    return (call) => this.answer(features!, call, kind);
  }

  private async answer(features: Tensor, { x, t, condition: { concat: _, ...told } }: UnetCall, kind: number | undefined): Promise<readonly Tensor[]> {
    const { config, file } = this, [batch, , height, width] = x.dims as [number, number, number, number];
    const size = { batch, height, width, tokens: told['context']!.dims[1]! };
    const session = await this.sessions.take('control', Object.values(size).join('x'), () => buildControlNet(file, config, size));
    const { context, y } = told;
    const feeds: Record<string, AnyTensor> = { x, t: timestepEmbedding(t.data, config.modelChannels), context: context!, features, ...(config.vectorDim > 0 && y && { y }) };
    if (config.kinds) {
      const marks = Array.from({ length: config.kinds }, (_, i) => (i === kind ? 1 : 0));
      feeds['kinds'] = float32([1, KIND_WIDTH * config.kinds], timestepEmbedding(marks, KIND_WIDTH).data);
    }
    const out = await session.run(feeds);
    return this.places.map((place, i) => out[`residual.${place === MIDDLE ? 'middle' : i}`]!);
  }

  release(): Promise<void> { return this.sessions.release('control'); }
  close(): Promise<void> { return this.sessions.close(); }
}

class T2iAdapter implements ControlNetwork {
  readonly places: readonly Place[];
  readonly softly = [0.25, 0.62, 0.825, 1];
  private readonly file: WeightFile;
  private readonly config: T2iAdapterConfig;
  private readonly sessions: Sessions<never>;

  constructor(file: WeightFile, config: T2iAdapterConfig, unet: UnetConfig, runtime: Runtime) {
    const isXl = config.unshuffle === 16;
    if (isXl !== (unet.channels.length === 3)) throw otherBase(file, isXl ? 'sdxl' : 'sd1', unet);
    this.file = file;
    this.config = config;
    this.sessions = new Sessions(runtime);
    this.places = featurePlaces(config);
  }

  shapes({ height, width }: UnetShape): readonly Dims[] {
    return buildT2iAdapter(this.file, this.config, { batch: 1, height: 8 * height, width: 8 * width }).outputs.map(({ value }) => value.dims);
  }

  async read(picture: Tensor): Promise<Answer> {
    const { hintChannels } = this.config, [, , height, width] = picture.dims as [number, number, number, number];
    const hint = hintChannels === 3 ? picture : float32([1, 1, height, width], picture.data.slice(0, height * width));
    const out = await this.sessions.once(buildT2iAdapter(this.file, this.config, { batch: 1, height, width }), { hint });
    const features = this.places.map((_, i) => out[`feature.${i}`]!);
    return () => Promise.resolve(features);
  }

  async release(): Promise<void> {}
  close(): Promise<void> { return this.sessions.close(); }
}

/** A control of a job, opened. */
export interface OpenControl {
  readonly network: ControlNetwork;
  /** Tells the files of networks apart. */
  readonly settings: ControlSettings;
  /** Its picture [1, 3, height, width] in 0…1, and where it counts [1, 1, height, width] in 0…1; of `part` alone, where that is what the model is shown. */
  readonly picture: (width: number, height: number, part?: Part) => Promise<Tensor>;
  readonly mask?: ((width: number, height: number, part?: Part) => Promise<Tensor>) | undefined;
}

/** The same controls, of a part of their pictures. */
export const ofPart = <C extends Pick<OpenControl, 'picture' | 'mask'>>(controls: readonly C[] | undefined, part: Part | undefined): readonly C[] | undefined => (part
  ? controls?.map((control) => ({ ...control, picture: (width, height) => control.picture(width, height, part), mask: control.mask && ((width, height) => control.mask!(width, height, part)) }))
  : controls);

/** All controls of a pass as one: what they add at a place is added up before it is fed. */
export function controlExtension(controls: readonly OpenControl[]): Extension {
  const places = [...new Set(controls.flatMap(({ network }) => network.places))].sort(), answers = new Map<OpenControl, Promise<{ answer: Answer; mask: Tensor | undefined }>>();
  return {
    key: `control ${places.join()}`,
    hooks: (_size, unet) => addedAt(new Set(places), unet),
    async feeds(call) {
      const [batch, , height, width] = call.x.dims as [number, number, number, number], size = { batch, height, width, tokens: call.condition.context.dims[1]! };
      const sums = new Map<Place, Tensor>();
      for (const control of controls) {
        const { network, settings: { weight, start, end, mode, kind } } = control, dims = network.shapes(size);
        network.places.forEach((place, i) => { if (!sums.has(place)) sums.set(place, float32([batch, ...dims[i]!.slice(1)])); });
        if (weight === 0 || call.progress < start || call.progress > end) continue;
        let open = answers.get(control);
        if (!open) answers.set(control, open = openAnswer(control, size, kind));
        const { answer, mask } = await open;
        (await answer(call)).forEach((value, i) => {
          const factor = weight * (mode === 'balanced' ? 1 : network.softly[i]!);
          addTo(sums.get(network.places[i]!)!, value, call.rows.map((row) => (mode === 'control' && row === 'uncond' ? 0 : factor)), mask);
        });
      }
      return Object.fromEntries([...sums].map(([place, value]) => [inputAt(place), value]));
    },
    release: async () => { await Promise.all(controls.map(({ network }) => network.release())); },
  };
}

async function openAnswer({ network, picture, mask }: OpenControl, size: UnetShape, kind: number | undefined): Promise<{ answer: Answer; mask: Tensor | undefined }> {
  const width = 8 * size.width, height = 8 * size.height;
  return { answer: await network.read(await picture(width, height), size, kind), mask: await mask?.(width, height) };
}

/** sum [B, C, h, w] + factor of each row · value [B or 1, C, h, w], where the mask [1, 1, H, W] says so, each place by the mean of the mask there. */
function addTo(sum: Tensor, value: Tensor, factors: readonly number[], mask: Tensor | undefined): void {
  const [batch, channels, height, width] = sum.dims as [number, number, number, number], size = height * width, share = mask && shrunk(mask, height, width);
  for (let b = 0; b < batch; b++) {
    const factor = factors[b]!, from = value.dims[0] === 1 ? 0 : b * channels * size;
    if (factor === 0) continue;
    for (let i = 0; i < channels * size; i++) sum.data[b * channels * size + i]! += factor * (share ? share[i % size]! : 1) * value.data[from + i]!;
  }
}

/** The mean of the mask [1, 1, H, W] at each of height·width places. */
export function shrunk({ dims, data }: Tensor, height: number, width: number): Float32Array {
  const [, , rows, columns] = dims as [number, number, number, number], out = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [top, bottom] = [Math.floor((y * rows) / height), Math.max(Math.floor(((y + 1) * rows) / height), Math.floor((y * rows) / height) + 1)];
      const [left, right] = [Math.floor((x * columns) / width), Math.max(Math.floor(((x + 1) * columns) / width), Math.floor((x * columns) / width) + 1)];
      let sum = 0;
      for (let row = top; row < bottom; row++) for (let column = left; column < right; column++) sum += data[row * columns + column]!;
      out[y * width + x] = sum / ((bottom - top) * (right - left));
    }
  }
  return out;
}
