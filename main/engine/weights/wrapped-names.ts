// Names around names: what wraps a network while it is trained or compiled puts a word of its own into every tensor's name. The words come off here, for every kind of
// file, so that a layer has the name that the network itself gives it: torch.compile (`_orig_mod`), DataParallel (`module`), Lightning and other trainers (`model`),
// FSDP, DeepSpeed and activation checkpointing. In kohya's names each dot is an underscore.
import type { Problem } from '../../../preload/contract/problems';
import { isBuffer } from '../identify/buffers';
import type { TensorEntry, WeightFile } from './source';

/** No layer is called so, wherever it stands. */
const anywhere = /(^|\.)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module)\.(?=.)/g;
const inKohyaNames = /(?<=^(?:lora|lycoris|oft)_.*_)_orig_mod_(?=.)/g;

/** Below these, or before everything, `module.` is a wrapper where all names have it. */
const roots = /^(?:model\.diffusion_model\.|diffusion_model\.|unet\.|vae\.|first_stage_model\.|control_model\.|(?:cond_stage_model|conditioner\.embedders\.\d+|text_encoders?(?:_2|\.clip_[lgh])?)\.(?:model\.|transformer\.)?|lora_(?:unet|te\d?)_)/;

/** `model.` before what stands at the beginning of a checkpoint, or of one network that is alone in its file. */
const beforeRoots = /^(?:model\.)+(?=(?:model\.diffusion_model|first_stage_model|cond_stage_model|conditioner|model_ema)\.)/;
const bareNetwork = /^(?:model\.|(?:conv_in|conv_first)\.weight$|(?:input|down|output|up)_blocks\.\d+\.|time_embed(?:ding)?\.|(?:en|de)coder\.(?:conv_in|mid|mid_block|down|up)\b|(?:post_)?quant_conv\.|text_model\.|lora_(?:unet|te\d?)_|emb_params$|string_to_param\.)/;

/** A few wrappers may stand one in the other. */
const DEEPEST = 8;

/**
 * The file under its network's own names. Where a name is there both wrapped and plain, the plain one counts and the other keeps its wrapping; that is among the
 * file's `doubts`.
 */
export function unwrapNames(file: WeightFile): WeightFile {
  const before = [...file.tensors.keys()];
  let names: readonly string[] = before;
  for (let i = 0; i < DEEPEST; i++) {
    const next = unwrapOnce(names);
    if (next.every((name, at) => name === names[at])) break;
    names = next;
  }
  return names.some((name, at) => name !== before[at]) ? renamed(file, new Map(before.map((name, at) => [name, names[at]!]))) : file;
}

function unwrapOnce(names: readonly string[]): string[] {
  const plain = names.map((name) => name.replace(anywhere, '$1').replace(inKohyaNames, '').replace(beforeRoots, ''));
  const own = plain.filter((name) => !isMark(name));
  const all = (start: string): boolean => own.length > 0 && own.every((name) => name.startsWith(start));
  const outer = all('module.') ? 'module.' : all('model.') && isWrappedNetwork(own) ? 'model.' : '';
  const wrapped = wrappedRoots(own);
  return plain.map((name) => {
    if (outer && name.startsWith(outer)) return name.slice(outer.length);
    const root = roots.exec(name)?.[0];
    return root !== undefined && wrapped.has(root) ? root + name.slice(root.length + 'module.'.length) : name;
  });
}

/** Marks of trainers, such as `v_pred`, stand outside of what was wrapped. */
const isMark = (name: string): boolean => !name.includes('.') && isBuffer(name);

/** Old ESRGAN's and OpenCLIP's own names begin with one `model.`, and so does a checkpoint's U-Net: without it, there must be a network's beginning. */
const isWrappedNetwork = (names: readonly string[]): boolean => {
  const inner = names.map((name) => name.slice('model.'.length));
  return inner.every((name) => name.startsWith('model.')) || (inner.some((name) => bareNetwork.test(name)) && !inner.some((name) => /^(?:diffusion_model|model)\./.test(name)));
};

/** The roots below which every name goes on with `module.`, in kohya's names `module_`. */
function wrappedRoots(names: readonly string[]): Set<string> {
  const found = new Map<string, boolean>();
  for (const name of names) {
    const root = roots.exec(name)?.[0];
    if (root !== undefined) found.set(root, (found.get(root) ?? true) && /^module[._]./.test(name.slice(root.length)));
  }
  return new Set([...found].flatMap(([root, isWrapped]) => (isWrapped ? [root] : [])));
}

/** `to`: the new name by the old one. */
function renamed(file: WeightFile, to: ReadonlyMap<string, string>): WeightFile {
  const tensors = new Map<string, TensorEntry>(), twice: { key: string; other: string }[] = [];
  // Those that keep their name first, so that it is theirs.
  const order = [...file.tensors.values()].sort((a, b) => Number(to.get(a.name) !== a.name) - Number(to.get(b.name) !== b.name));
  const kept = new Map<string, string>();
  for (const entry of order) {
    const name = to.get(entry.name)!, there = tensors.get(name);
    if (!there) { tensors.set(name, entry); kept.set(entry.name, name); continue; }
    if (isSame(there, entry)) continue;
    twice.push({ key: there.name, other: entry.name });
    kept.set(entry.name, entry.name);
  }
  const [first] = twice, doubt: Problem[] = first ? [{ code: 'names.twice', data: { ...first, count: twice.length } }] : [];
  const inOrder = [...file.tensors.values()].flatMap((entry) => { const name = kept.get(entry.name); return name === undefined ? [] : [[name, { ...entry, name }] as const]; });
  return { ...file, tensors: new Map(inOrder), ...(doubt.length > 0 && { doubts: [...file.doubts ?? [], ...doubt] }) };
}

/** A pickle may name one tensor by both names. */
const isSame = (a: TensorEntry, b: TensorEntry): boolean => a.offset === b.offset && a.byteLength === b.byteLength && a.dtype === b.dtype && a.file === b.file && String(a.shape) === String(b.shape);
