// The sizes of a checkpoint's parts, by vote over all tensors that show them, so that one missing or misshapen tensor cannot mislead the others.
import type { Dims } from '../tensor';
import type { WeightFile } from '../weights/source';

export interface UnetSizes {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly modelChannels: number;
  readonly timeEmbed: number;
  /** One entry a level, from full resolution down. */
  readonly channels: readonly number[];
  readonly resBlocks: number;
  /** Transformer blocks after each res block of a level; 0: no attention there. */
  readonly depths: readonly number[];
  /** Where a pruned SDXL has other depths from block to block: of every input res block in order, and of every output block. */
  readonly blockDepths?: { readonly input: readonly number[]; readonly output: readonly number[] };
  /** 0: the middle is one res block without attention (pruned SDXL). */
  readonly middleDepth: number;
  readonly contextDim: number;
  /** SD 2 and SDXL project into their transformers with linear layers, SD 1 with 1×1 convolutions. */
  readonly linear?: boolean;
  /** Width of the vector condition (SDXL). */
  readonly vectorDim?: number;
  /** Width of the embedded guidance scale (LCM). */
  readonly guidanceDim?: number;
}
/** `projection`: width of the pooled vector, where the tower is asked for one. */
export interface TextSizes { readonly projection?: number; readonly width: number; readonly layers: number; readonly mlp: number; readonly vocabulary: number; readonly positions: number }
export interface VaeSizes {
  readonly channels: readonly number[];
  /** Of the encoder; the decoder has one more a level. */
  readonly resBlocks: number;
  readonly latentChannels: number;
  readonly embedChannels: number;
}

/** The part's tensors by their name behind the prefix. */
export type Part = ReadonlyMap<string, Dims>;

export function partOf(file: WeightFile, prefix: string): Part {
  const part = new Map<string, Dims>();
  for (const { name, shape } of file.tensors.values()) if (name.startsWith(prefix)) part.set(name.slice(prefix.length), shape);
  return part;
}

/** CLIP's, where a file lacks the tables that show them. */
const VOCABULARY = 49408, POSITIONS = 77;

/** In transformers' names a tower's projection stands beside 'text_model.', with which `prefix` then ends. */
export const projectionPath = (prefix: string): string => `${prefix.replace(/text_model\.$/, '')}text_projection`;

/** [which tensors, which dimension of them shows the size]. */
type Witness = readonly [RegExp, number];

/** The size that most witnesses show. */
function vote(part: Part, witnesses: readonly Witness[]): number | undefined {
  const seen: (number | undefined)[] = [];
  for (const [name, shape] of part) {
    for (const [pattern, axis] of witnesses) if (pattern.test(name)) seen.push(shape[axis]);
  }
  return mostCommon(seen);
}

export function mostCommon(values: readonly (number | undefined)[]): number | undefined {
  const votes = new Map<number, number>();
  for (const value of values) if (value) votes.set(value, (votes.get(value) ?? 0) + 1);
  return [...votes].sort((a, b) => b[1] - a[1])[0]?.[0];
}

/** 1 + the largest number that `pattern` captures, or 0. */
function count(part: Part, pattern: RegExp): number {
  let n = 0;
  for (const name of part.keys()) n = Math.max(n, Number(pattern.exec(name)?.[1] ?? -1) + 1);
  return n;
}

const has = (part: Part, pattern: RegExp): boolean => [...part.keys()].some((name) => pattern.test(name));
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** null where the blocks do not form the families' layout. Latent inputs: 4, inpainting 9, pix2pix 8, depth 5. `contextDim`: of a half that may have no cross-attention. */
export function unetSizes(part: Part, { contextDim: without }: { contextDim?: number } = {}): UnetSizes | null {
  const inputs = count(part, /^input_blocks\.(\d+)\./);
  const levels = 1 + range(inputs).filter((i) => has(part, new RegExp(`^input_blocks\\.${i}\\.0\\.op\\.`))).length;
  // conv_in, then `resBlocks` a level and a downsampler between levels.
  const resBlocks = (inputs - levels) / levels;
  if (!Number.isInteger(resBlocks) || resBlocks < 1) return null;
  const block = (level: number, i: number): string => `^input_blocks\\.${1 + level * (resBlocks + 1) + i}\\.`;
  const channels = range(levels).map((level) => vote(part, range(resBlocks).flatMap((i) => resBlockWidth(block(level, i)))));
  const depths = range(levels).map((level) => Math.max(...range(resBlocks).map((i) => count(part, new RegExp(`${block(level, i)}1\\.transformer_blocks\\.(\\d+)\\.`)))));
  const modelChannels = vote(part, [[/^input_blocks\.0\.0\.(weight|bias)/, 0], [/^time_embed\.0\.weight/, 1], [/^out\.0\./, 0], [/^out\.2\.weight/, 1]]);
  const timeEmbed = vote(part, [[/^time_embed\.[02]\./, 0], [/emb_layers\.1\.weight/, 1]]);
  const contextDim = vote(part, [[/attn2\.to_[kv]\.weight/, 1]]) ?? without;
  if (!modelChannels || !timeEmbed || contextDim === undefined || !channels.every((c) => c !== undefined)) return null;
  const inChannels = part.get('input_blocks.0.0.weight')?.[1] ?? 4;
  const vectorDim = part.get('label_emb.0.0.weight')?.[1];
  const guidanceDim = part.get('time_embed.cond_proj.weight')?.[1];
  return {
    modelChannels, timeEmbed, contextDim, channels: channels as number[], depths, resBlocks,
    middleDepth: count(part, /^middle_block\.1\.transformer_blocks\.(\d+)\./),
    linear: mostCommon([...part].flatMap(([name, shape]) => (name.endsWith('proj_in.weight') ? [shape.length] : []))) === 2,
    ...(guidanceDim !== undefined && { guidanceDim }),
    ...(vectorDim !== undefined && { vectorDim, blockDepths: blockDepths(part, levels, resBlocks) }),
    inChannels: [4, 5, 8, 9].includes(inChannels) ? inChannels : 4,
    outChannels: 4,
  };
}

/** Of an SDXL, whose pruned kin have other depths from block to block. So a block that lost its last transformers goes unnoticed there. */
function blockDepths(part: Part, levels: number, resBlocks: number): { input: number[]; output: number[] } {
  const depth = (block: string): number => count(part, new RegExp(`^${block}\\.1\\.transformer_blocks\\.(\\d+)\\.`));
  return {
    input: range(levels).flatMap((level) => range(resBlocks).map((i) => depth(`input_blocks\\.${1 + level * (resBlocks + 1) + i}`))),
    output: range(levels * (resBlocks + 1)).map((i) => depth(`output_blocks\\.${i}`)),
  };
}

const resBlockWidth = (block: string): Witness[] => [
  [new RegExp(`${block}0\\.(in_layers\\.2|emb_layers\\.1|out_layers\\.[03])\\.`), 0], [new RegExp(`${block}1\\.(norm|proj_in|proj_out)\\.`), 0],
];

export function textSizes(part: Part): TextSizes | null {
  const width = vote(part, [[/^encoder\.layers\.\d+\.(self_attn|layer_norm\d)/, 0]]);
  const layers = count(part, /^encoder\.layers\.(\d+)\./);
  if (!width || layers === 0) return null;
  return {
    width, layers, mlp: vote(part, [[/mlp\.fc1\./, 0]]) ?? 4 * width,
    vocabulary: part.get('embeddings.token_embedding.weight')?.[0] ?? VOCABULARY,
    positions: part.get('embeddings.position_embedding.weight')?.[0] ?? POSITIONS,
  };
}

export function openClipSizes(part: Part): TextSizes | null {
  const width = vote(part, [[/^transformer\.resblocks\.\d+\.(ln_\d|attn\.out_proj)/, 0]]);
  const layers = count(part, /^transformer\.resblocks\.(\d+)\./);
  if (!width || layers === 0) return null;
  return {
    width, layers, mlp: vote(part, [[/mlp\.c_fc\./, 0]]) ?? 4 * width,
    vocabulary: part.get('token_embedding.weight')?.[0] ?? VOCABULARY, positions: part.get('positional_embedding')?.[0] ?? POSITIONS,
  };
}

/** Width of a tower's pooled vector, in either layout. */
export const projectionOf = (file: WeightFile, prefix: string): number | undefined =>
  file.tensors.get(`${prefix}text_projection`)?.shape[1] ?? file.tensors.get(`${projectionPath(prefix)}.weight`)?.shape[0];

export function vaeSizes(part: Part): VaeSizes | null {
  const levels = Math.max(count(part, /^encoder\.down\.(\d+)\./), count(part, /^decoder\.up\.(\d+)\./));
  const resBlocks = Math.max(count(part, /^encoder\.down\.\d+\.block\.(\d+)\./), count(part, /^decoder\.up\.\d+\.block\.(\d+)\./) - 1);
  const channels = range(levels).map((level) => vote(part, [[new RegExp(`^(encoder\\.down|decoder\\.up)\\.${level}\\.block\\.\\d+\\.(conv[12]|norm2)\\.`), 0]]));
  const latentChannels = vote(part, [[/^decoder\.conv_in\.weight/, 1], [/^post_quant_conv\.(weight|bias)/, 0]]);
  if (levels === 0 || resBlocks < 1 || !latentChannels || !channels.every((c) => c !== undefined)) return null;
  return {
    channels: channels as number[], resBlocks, latentChannels,
    embedChannels: mostCommon([part.get('post_quant_conv.weight')?.[1], ...['weight', 'bias'].map((n) => (part.get(`quant_conv.${n}`)?.[0] ?? 0) / 2)]) ?? latentChannels,
  };
}
