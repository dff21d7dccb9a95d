// Headers that no program wrote: whatever names and shapes a file claims, each question about it has an answer or an error of ours, and what is called
// runnable can be built.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AppError } from '../../../main/engine/errors';
import { checkpointTensors } from '../../../main/engine/families/network-tensors';
import { identify, whyNotRunnable } from '../../../main/engine/identify/identify';
import { combineParts, fitnessOf, whyNotWhole } from '../../../main/engine/families/parts';
import type { Dims } from '../../../main/engine/tensor';
import { wordsIn } from '../../../main/engine/text/embedding-words';
import { layersToExtract } from '../../../main/engine/weights/lora/extract';
import { loraModules } from '../../../main/engine/weights/lora/modules';
import { loraTargets, targetOf } from '../../../main/engine/weights/lora/targets';
import { planMerge } from '../../../main/engine/weights/merge/plan';
import type { StoredDType, WeightFile } from '../../../main/engine/weights/source';
import { costOf } from '../../../main/services/models/cost';
import { settingsFor } from '../../../main/services/models/usual-settings';
import { ModelReport } from '../../../preload/contract/model';
import { referenceTensors, tinyFamilies, weightFile } from '../../support/checkpoints';
import { fuzzRuns } from '../../support/fuzz';
import { wordsFor } from '../../support/words';

type Listed = [string, Dims, StoredDType?];

const pieces = ['model.diffusion_model', 'first_stage_model', 'cond_stage_model.transformer', 'conditioner.embedders', 'input_blocks', 'down_blocks', 'output_blocks', 'middle_block', 'encoder', 'decoder', 'layers', 'resblocks', 'transformer',
  'text_model', 'attn2', 'to_k', 'to_q', 'proj_in', 'conv_in', 'conv', 'in_layers', 'lora_unet', 'lora_te1', 'lora_up', 'lora_down', 'lora_mid', 'lora_A', 'alpha', 'hada_w1_a', 'lokr_w1', 'oft_blocks', 'dora_scale', 'diff_b', 'on_input', 'bundle_emb',
  'string_to_param', 'emb_params', 'clip_l', 'clip_g', 'token_embedding', 'in_proj_weight', 'label_emb', 'time_embed', 'motion_modules', 'body', 'rdb1', 'conv_up1', 'ip_adapter', 'to_k_ip', 'zero_convs', 'linear', 'weight', 'bias', '0', '1', '2', '10',
  '__proto__', 'constructor', '<cat>', '*', ''];
const name = fc.array(fc.tuple(fc.constantFrom(...pieces), fc.constantFrom('.', '.', '.', '_')), { minLength: 1, maxLength: 7 }).map((parts) => parts.map(([piece, joint]) => piece + joint).join('').slice(0, -1));
const size = fc.constantFrom(0, 1, 2, 3, 4, 8, 9, 32, 75, 77, 320, 768, 1024, 1280, 2048, 49408, 2 ** 31);
const shape = fc.array(size, { maxLength: 5 });
const dtype = fc.constantFrom<StoredDType>('F16', 'F32', 'BF16', 'F8_E4M3', 'I64', 'BOOL');
const metadata = fc.dictionary(fc.constantFrom('modelspec.architecture', 'modelspec.resolution', 'ss_base_model_version', 'ss_tag_frequency', 'ss_dataset_dirs', 'modelspec.trigger_phrase', 'sd_merge_models'),
  fc.oneof(fc.constantFrom('stable-diffusion-xl-v1-base', 'sd_v2_v', '{"a":{"cat":2}}', '[]', 'null', '768x768'), fc.string()), { maxKeys: 3 });
const invented = fc.array(fc.tuple(name, shape, dtype), { maxLength: 30 });

/** Real lists, a few of whose entries are lost, renamed or of another shape. */
const real: readonly (readonly Listed[])[] = [...Object.values(tinyFamilies).map((sizes) => [...checkpointTensors(sizes)].map(([key, dims]): Listed => [key, dims])), referenceTensors('sd15-kohya-lora-rank16')];
type Change = readonly [number, 'drop' | readonly ['rename', string] | readonly ['reshape', Dims] | readonly ['retype', StoredDType]];
const change: fc.Arbitrary<Change> = fc.tuple(fc.nat(), fc.oneof(fc.constant('drop' as const), fc.tuple(fc.constant('rename' as const), name), fc.tuple(fc.constant('reshape' as const), shape), fc.tuple(fc.constant('retype' as const), dtype)));
const altered = fc.tuple(fc.constantFrom(...real), fc.array(change, { maxLength: 4 })).map(([list, changes]) => {
  const tensors = new Map(list.map((entry) => [entry[0], entry] as const)), keys = [...tensors.keys()];
  for (const [at, what] of changes) {
    const key = keys[at % keys.length]!, [, dims, type] = tensors.get(key) ?? [key, []];
    tensors.delete(key);
    if (what === 'drop') continue;
    const to = what[0] === 'rename' ? what[1] : key;
    tensors.set(to, [to, what[0] === 'reshape' ? what[1] : dims, what[0] === 'retype' ? what[1] : type]);
  }
  return [...tensors.values()];
});
const anyFile = fc.tuple(fc.oneof({ weight: 3, arbitrary: invented }, { weight: 1, arbitrary: altered }), metadata).map(([tensors, said]) => weightFile(tensors as Listed[], said));

function answerOrAppError(ask: () => unknown): void {
  try {
    ask();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.code).not.toBe('internal');
    expect(wordsFor(error).hint).toMatch(/\S/);
  }
}

function askEverything(file: WeightFile, other: WeightFile): void {
  const report = { ...identify(file), hashes: null };
  expect(ModelReport.parse(report)).toEqual(report);
  settingsFor('model', file);
  const refusal = whyNotRunnable(file), targets = loraTargets(file);
  if (refusal === null) costOf({ file }, 64, 64);
  fitnessOf({ file });
  layersToExtract(targets, { rank: 4, convRank: 4 });
  for (const module of loraModules(file).modules) targetOf(module, targets);
  answerOrAppError(() => wordsIn(file));
  answerOrAppError(() => planMerge(file, other, undefined, { mode: 'weighted-sum', multiplier: 0.5 }));
  for (const parts of [{ vae: other }, { textEncoders: [other] }, { vae: other, textEncoders: [other, file] }]) answerOrAppError(() => { const error = whyNotWhole(combineParts(file, parts)); if (error) throw error; });
}

test('any header is answered for, alone and beside another', () => {
  fc.assert(fc.property(anyFile, anyFile, askEverything), { numRuns: fuzzRuns(100) });
});
