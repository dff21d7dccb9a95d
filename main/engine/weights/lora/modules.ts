// What a LoRA file holds: its modules, one for each layer that it changes, with the tensors of each by role. Told from names alone.
// Names: kohya (`.lora_down.weight`), diffusers old and new (`_lora.down.weight`, `.lora_linear_layer.down.weight`), PEFT (`.lora_A.weight`), LyCORIS.
import type { TensorEntry, WeightFile } from '../source';

/** lora: up·down, LoCon's Tucker core `mid` between them. full: a stored difference, of norms too. What `unsupported` holds, `parts` does not say. */
export type LoraAlgorithm = 'lora' | 'loha' | 'lokr' | 'full' | 'unsupported';

/** `diffBias` may stand beside any algorithm. `doraScale` [out, 1, …] or [1, in, …], from PEFT [out]. */
export type LoraPart = 'down' | 'up' | 'mid' | 'alpha' | 'doraScale' | 'diff' | 'diffBias'
  | 'hada_w1_a' | 'hada_w1_b' | 'hada_w2_a' | 'hada_w2_b' | 'hada_t1' | 'hada_t2'
  | 'lokr_w1' | 'lokr_w1_a' | 'lokr_w1_b' | 'lokr_w2' | 'lokr_w2_a' | 'lokr_w2_b' | 'lokr_t2';

export type LoraParts<T> = Readonly<Partial<Record<LoraPart, T>>>;

export interface LoraModule<T = TensorEntry> {
  /** As the file writes it, without the role: 'lora_unet_mid_block_attentions_0_proj_in', 'unet.mid_block.attentions.0.proj_in'. */
  readonly layer: string;
  readonly algorithm: LoraAlgorithm;
  readonly parts: LoraParts<T>;
}

const part = (pattern: string, role: LoraPart | 'other' | ((found: string) => LoraPart | 'other')) => ({
  pattern: new RegExp(`^(.+?)${pattern}$`), role: typeof role === 'string' ? () => role : role,
});
const downOrUp = (found: string): LoraPart => found as LoraPart;

/** A tensor's name in two: its layer, and its role there. The first that fits counts. */
const roles = [
  part('\\.lora_(down|up|mid)\\.weight', downOrUp),
  part('[._]lora(?:_linear_layer)?\\.(down|up)\\.weight', downOrUp),
  part('\\.lora_([AB])(?:\\.(?!weight$|bias$)[^.]+)?(?:\\.weight)?', (found) => (found === 'A' ? 'down' : 'up')),
  part('\\.(hada_w[12]_[ab]|hada_t[12]|lokr_w[12](?:_[ab])?|lokr_t2|alpha)', (found) => found as LoraPart),
  part('\\.(dora_scale|lora_magnitude_vector(?:\\.(?!weight$)[^.]+)?(?:\\.weight)?)', 'doraScale'),
  part('\\.(diff|w_norm)', 'diff'),
  part('\\.(diff_b|b_norm)', 'diffBias'),
  part('\\.([ab][12]\\.weight|oft_blocks|oft_diag|on_input|rescale|set_weight|reshape_weight|lokr_t1|lora_B(?:\\.[^.]+)?\\.bias)', 'other'),
];

/** The modules in the file's order, and the tensors that belong to none. */
export function loraModules(file: WeightFile): { modules: LoraModule[]; stray: string[] } {
  const layers = new Map<string, Map<LoraPart | 'other', TensorEntry>>();
  const stray: string[] = [];
  for (const entry of file.tensors.values()) {
    const found = roleOf(entry.name);
    if (!found) { stray.push(entry.name); continue; }
    if (!layers.has(found.layer)) layers.set(found.layer, new Map());
    layers.get(found.layer)!.set(found.role, entry);
  }
  const modules = [...layers].map(([layer, parts]) => ({ layer, algorithm: algorithmOf(parts), parts: Object.fromEntries(parts) as LoraParts<TensorEntry> }));
  return { modules, stray };
}

function roleOf(name: string): { layer: string; role: LoraPart | 'other' } | undefined {
  for (const { pattern, role } of roles) {
    const [, layer, found] = pattern.exec(name) ?? [];
    if (layer !== undefined) return { layer, role: role(found!) };
  }
  return undefined;
}

function algorithmOf(parts: ReadonlyMap<LoraPart | 'other', TensorEntry>): LoraAlgorithm {
  const all = (...names: LoraPart[]): boolean => names.every((name) => parts.has(name));
  if (parts.has('other')) return 'unsupported';
  if (all('down', 'up')) return 'lora';
  if (all('hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b')) return 'loha';
  const factor = (n: 1 | 2): boolean => all(`lokr_w${n}`) || all(`lokr_w${n}_a`, `lokr_w${n}_b`);
  if (factor(1) && factor(2)) return 'lokr';
  return parts.has('diff') || parts.has('diffBias') ? 'full' : 'unsupported';
}
