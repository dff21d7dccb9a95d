// What a LoRA file holds: its modules, one for each layer that it changes, with the tensors of each by role. Told from names, and BOFT from OFT by shape.
// Names: kohya (`.lora_down.weight`), diffusers old and new (`_lora.down.weight`, `.lora_linear_layer.down.weight`), PEFT (`.lora_A.weight`), LyCORIS.
import type { TensorEntry, WeightFile } from '../source';

/**
 * lora: up·down, LoCon's Tucker core `mid` between them. full: a stored difference, of norms too, or a new weight. oft, boft: rotations of the outputs.
 * incomplete: parts are missing.
 */
export type LoraAlgorithm = 'lora' | 'loha' | 'lokr' | 'glora' | 'ia3' | 'oft' | 'boft' | 'full' | 'incomplete';

/** Parts that go by the name that LyCORIS and kohya write. `alpha` is a constraint in OFT and BOFT, and means nothing in IA³. */
const ownNames = [
  'alpha', 'hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b', 'hada_t1', 'hada_t2',
  'lokr_w1', 'lokr_w1_a', 'lokr_w1_b', 'lokr_w2', 'lokr_w2_a', 'lokr_w2_b', 'lokr_t2',
  'oft_blocks', 'oft_diag', 'rescale', 'on_input', 'set_weight', 'reshape_weight', 'bias_indices', 'bias_values', 'bias_size',
] as const;

/**
 * `diffBias` may stand beside any algorithm, `upBias` beside up (PEFT's lora_bias). `doraScale` [out, 1, …] or [1, in, …], from PEFT [out]. `scales`: IA³'s
 * weight. bias_*: what of ΔW the two factors leave, as a sparse matrix.
 */
export type LoraPart = (typeof ownNames)[number] | 'down' | 'up' | 'mid' | 'upBias' | 'doraScale' | 'diff' | 'diffBias' | 'a1' | 'a2' | 'b1' | 'b2' | 'scales';

export type LoraParts<T> = Readonly<Partial<Record<LoraPart, T>>>;

export interface LoraModule<T = TensorEntry> {
  /** As the file writes it, without the role: 'lora_unet_mid_block_attentions_0_proj_in', 'unet.mid_block.attentions.0.proj_in'. */
  readonly layer: string;
  readonly algorithm: LoraAlgorithm;
  readonly parts: LoraParts<T>;
}

const part = (pattern: string, role: LoraPart | ((found: string) => LoraPart)) => ({
  pattern: new RegExp(`^(.+?)${pattern}$`), role: typeof role === 'string' ? () => role : role,
});
const asFound = (found: string): LoraPart => found as LoraPart;

/** A tensor's name in two: its layer, and its role there. The first that fits counts. */
const roles = [
  part('\\.lora_(down|up|mid)\\.weight', asFound),
  part(':(down|up)', asFound),
  part('[._]lora(?:_linear_layer)?\\.(down|up)\\.weight', asFound),
  part('\\.lora_([AB])(?:\\.(?!weight$|bias$)[^.]+)?(?:\\.weight)?', (found) => (found === 'A' ? 'down' : 'up')),
  part('\\.lora_B(?:\\.[^.]+)?\\.bias', 'upBias'),
  part(`\\.(${ownNames.join('|')})`, asFound),
  part('\\.([ab][12])\\.weight', asFound),
  part('\\.(dora_scale|lora_magnitude_vector(?:\\.(?!weight$)[^.]+)?(?:\\.weight)?)', 'doraScale'),
  part('\\.(diff|w_norm)', 'diff'),
  part('\\.(diff_b|b_norm)', 'diffBias'),
];
const anyWeight = /^(.+)\.weight$/;

/** The modules in the file's order, and the tensors that belong to none (embeddings that come with a LoRA, say). */
export function loraModules(given: WeightFile): { modules: LoraModule[]; stray: string[] } {
  const file = namedList(given);
  const layers = new Map<string, Map<LoraPart, TensorEntry>>();
  const stray: string[] = [];
  for (const entry of file.tensors.values()) {
    const found = roleOf(entry.name, file);
    if (!found) { stray.push(entry.name); continue; }
    if (!layers.has(found.layer)) layers.set(found.layer, new Map());
    layers.get(found.layer)!.set(found.role, entry);
  }
  const modules = [...layers].map(([layer, found]): LoraModule => {
    const parts: LoraParts<TensorEntry> = Object.fromEntries(found);
    return { layer, algorithm: algorithmOf(parts), parts };
  });
  return { modules, stray };
}

/** A list of ups and downs in turn, of one network: CLIP's attentions have one width, a U-Net's several. Other files as they are. */
function namedList(file: WeightFile): WeightFile {
  const entries = [...file.tensors.values()], isPair = (up: TensorEntry, down: TensorEntry | undefined): boolean => down !== undefined && up.shape.length >= 2 && up.shape[1] === down.shape[0];
  if (entries.length < 2 || entries.length % 2 !== 0 || !entries.every(({ name }, i) => name === String(i)) || !entries.every((entry, i) => i % 2 === 1 || isPair(entry, entries[i + 1]))) return file;
  const network = new Set(entries.flatMap(({ shape }, i) => (i % 2 === 0 ? [shape[0]] : []))).size > 1 ? 'unet' : 'text_encoder';
  return { ...file, tensors: new Map(entries.map((entry, i) => { const name = `${network}:${i >> 1}:${i % 2 === 0 ? 'up' : 'down'}`; return [name, { ...entry, name }]; })) };
}

function roleOf(name: string, file: WeightFile): { layer: string; role: LoraPart } | undefined {
  for (const { pattern, role } of roles) {
    const [, layer, found] = pattern.exec(name) ?? [];
    if (layer !== undefined) return { layer, role: role(found!) };
  }
  // In IA³ only the flag beside it tells a weight from any other.
  const [, layer] = anyWeight.exec(name) ?? [];
  return layer !== undefined && file.tensors.has(`${layer}.on_input`) ? { layer, role: 'scales' } : undefined;
}

function algorithmOf(parts: LoraParts<TensorEntry>): LoraAlgorithm {
  const all = (...names: LoraPart[]): boolean => names.every((name) => parts[name]);
  const factor = (n: 1 | 2): boolean => all(`lokr_w${n}`) || all(`lokr_w${n}_a`, `lokr_w${n}_b`);
  if (all('down', 'up')) return 'lora';
  if (all('hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b') && !parts.hada_t1 === !parts.hada_t2) return 'loha';
  if (factor(1) && factor(2)) return 'lokr';
  if (all('a1', 'a2', 'b1', 'b2')) return 'glora';
  if (all('scales', 'on_input')) return 'ia3';
  if (parts.oft_blocks?.shape.length === 4) return 'boft';
  if (parts.oft_blocks ?? parts.oft_diag) return 'oft';
  return parts.diff ?? parts.set_weight ?? parts.diffBias ? 'full' : 'incomplete';
}
