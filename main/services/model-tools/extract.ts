// A LoRA out of the difference of two checkpoints, layer by layer: what changed is found first, then each change is brought to its rank.
import { AppError } from '../../engine/errors';
import { layersToExtract, loraShapes, type ExtractedLayer, type ExtractOptions } from '../../engine/weights/lora/extract';
import { lowRankProduct } from '../../engine/weights/lora/low-rank';
import { loraTargets } from '../../engine/weights/lora/targets';
import { identify } from '../../engine/identify/identify';
import type { WrittenDType } from '../../engine/weights/dtypes';
import type { TensorEntry, WeightFile } from '../../engine/weights/source';
import { openModel, refuseInput, withTensors, type TensorReader } from './tensor-reader';
import { encodePieces, ranges, writeModel, type NewTensor, type ToolRun, type WrittenModel } from './write-model';

export interface ExtractRequest extends ExtractOptions {
  /** The model whose difference from `base` is wanted. */
  readonly tuned: string;
  readonly base: string;
  readonly out: string;
  /** fp16 unless it says otherwise. */
  readonly precision?: WrittenDType;
}

export interface ExtractReport extends WrittenModel {
  /** Layers with a part in the LoRA, and those that are equal in both models. */
  readonly layers: number;
  readonly unchanged: number;
}

/** Throws extract.* where the models do not fit together or are equal, tool.overSource where `out` is one of them. */
export async function extractLora({ tuned, base, out, precision = 'F16', ...options }: ExtractRequest, run: ToolRun = {}): Promise<ExtractReport> {
  const [model, origin] = await Promise.all([openModel(tuned), openModel(base)]);
  await refuseInput(out, [model, origin]);
  const layers = layersToExtract(loraTargets(model), options);
  refuseMisfits(model, origin, layers);
  return withTensors([model, origin], async (reader) => {
    const changed: ExtractedLayer[] = [];
    for (const layer of layers) if (await differs(reader, layer, originOf(layer, origin))) changed.push(layer);
    if (changed.length === 0) {
      throw new AppError('extract.equal', { files: [tuned, base] });
    }
    const tensors = changed.flatMap((layer) => layerTensors(reader, layer, originOf(layer, origin), precision));
    const written = await writeModel(out, tensors, metadataFor(model, options), run);
    return { ...written, layers: changed.length, unchanged: layers.length - changed.length };
  });
}

const originOf = ({ target }: ExtractedLayer, origin: WeightFile): TensorEntry => origin.tensors.get(target.weight.name)!;

function refuseMisfits(model: WeightFile, origin: WeightFile, layers: readonly ExtractedLayer[]): void {
  if (layers.length === 0) throw new AppError('extract.nothing', { file: model.path });
  const files = [model.path, origin.path];
  const missing = layers.filter(({ target }) => !origin.tensors.has(target.weight.name)).map(({ target }) => target.weight.name);
  if (missing.length > 0) throw new AppError('extract.strangers', { files, count: missing.length, names: missing.slice(0, 3) });
  const wrong = layers.find((layer) => String(layer.target.weight.shape) !== String(originOf(layer, origin).shape));
  if (!wrong) return;
  const { name, shape } = wrong.target.weight;
  throw new AppError('extract.misfit', { files, key: name, shapes: [[...shape], [...originOf(wrong, origin).shape]] });
}

/** First element and count of the layer in its tensor. */
const span = ({ target, rows, columns }: ExtractedLayer): readonly [number, number] => [(target.rows?.start ?? 0) * columns, rows * columns];

/** Stops at the first piece that is not equal, which is nearly always the first of all. */
async function differs(reader: TensorReader, layer: ExtractedLayer, origin: TensorEntry): Promise<boolean> {
  const [first, elements] = span(layer);
  for (const [start, count] of ranges(elements)) {
    const [ours, theirs] = await Promise.all([reader.floats(layer.target.weight, first + start, count), reader.floats(origin, first + start, count)]);
    if (ours.some((value, i) => value !== theirs[i])) return true;
  }
  return false;
}

/** Both factors come from one decomposition, which is made when the first of them is written. */
function layerTensors(reader: TensorReader, layer: ExtractedLayer, origin: TensorEntry, dtype: WrittenDType): NewTensor[] {
  const { target: { kohyaName: name }, rows, columns, rank } = layer, shapes = loraShapes(layer);
  let factors: ReturnType<typeof lowRankProduct> | undefined;
  const tensor = (role: string, shape: readonly number[], values: () => Promise<Float32Array>): NewTensor =>
    ({ name: `${name}.${role}`, dtype, shape, pieces: async function* () { yield* encodePieces(await values(), dtype); } });
  return [
    tensor('lora_down.weight', shapes.down, async () => (factors = lowRankProduct(await difference(reader, layer, origin), rows, columns, rank)).down),
    tensor('lora_up.weight', shapes.up, () => {
      const { up } = factors!;
      factors = undefined;
      return Promise.resolve(up);
    }),
    tensor('alpha', [], () => Promise.resolve(Float32Array.of(rank))),
  ];
}

async function difference(reader: TensorReader, layer: ExtractedLayer, origin: TensorEntry): Promise<Float32Array> {
  const [first, elements] = span(layer), out = new Float32Array(elements);
  for (const [start, count] of ranges(elements)) {
    const [ours, theirs] = await Promise.all([reader.floats(layer.target.weight, first + start, count), reader.floats(origin, first + start, count)]);
    for (let i = 0; i < count; i++) {
      const change = ours[i]! - theirs[i]!;
      if (!Number.isFinite(change)) throw notFinite(layer);
      out[start + i] = change;
    }
  }
  return out;
}

function notFinite({ target: { weight } }: ExtractedLayer): AppError {
  return new AppError('weights.notFinite', { why: 'layer', key: weight.name, shape: [...weight.shape] });
}

/** What kohya's scripts need to load it. */
function metadataFor(model: WeightFile, { rank, convRank }: ExtractOptions): Record<string, string> {
  const { family, prediction } = identify(model), v2 = family === 'sd2';
  const base = family === 'sdxl' ? 'sdxl_base_v1-0' : `sd_${v2 ? 'v2' : 'v1'}${prediction === 'v' ? '_v' : ''}`;
  return {
    format: 'pt', ss_v2: v2 ? 'True' : 'False', ss_base_model_version: base, ss_network_module: 'networks.lora', ss_network_dim: String(rank), ss_network_alpha: String(rank),
    ...(convRank && { ss_network_args: JSON.stringify({ conv_dim: convRank, conv_alpha: convRank }) }),
  };
}
