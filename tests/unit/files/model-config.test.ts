// Settings that lie beside a model: what a .yaml of its name and a scheduler's say, how safely they are read, and what counts where several say it.
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { runInspect } from '../../../main/cli/inspect';
import { identify, whyNotRunnable } from '../../../main/engine/identify/identify';
import { readSchedulerConfig, readYamlConfig } from '../../../main/engine/identify/model-config';
import { familyTraits } from '../../../main/engine/pipeline/family';
import { scaledLinearAlphas, sigmaTable, stableDiffusionTable } from '../../../main/engine/sampling/model-sampling';
import { openModel } from '../../../main/files/model-folder';
import { versionOf } from '../../../main/files/stamp';
import { convertModel } from '../../../main/services/model-tools/convert';
import { openParts } from '../../../main/worker/model-parts';
import { below, folderOf, partOf, randomFamilyCheckpoint, scratchFolder, tinyFamilies } from '../../support/checkpoints';
import { fuzzRuns } from '../../support/fuzz';

afterEach(() => { vi.restoreAllMocks(); });

const checkpoints: Record<string, string> = {};
beforeAll(async () => { for (const [family, sizes] of Object.entries(tinyFamilies)) checkpoints[family] = await randomFamilyCheckpoint(sizes); });

/** A model with this .yaml beside it, in a folder of its own. */
function beside(yaml: string | Uint8Array | null, family = 'sd1', name = 'plains-vpred'): string {
  const path = join(scratchFolder(), `${name}.safetensors`);
  symlinkSync(checkpoints[family]!, path);
  if (yaml !== null) writeFileSync(join(dirname(path), `${name}.yaml`), yaml);
  return path;
}
const inspect = async (...args: string[]): Promise<string> => {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await runInspect(args);
  const text = out.mock.calls.map(([part]) => String(part)).join('');
  out.mockRestore();
  return text;
};

const ldm = (more: string): string => `model:\n  base_learning_rate: 1.0e-04\n  target: ldm.models.diffusion.ddpm.LatentDiffusion\n  params:\n${more}    linear_start: 0.00085\n    linear_end: 0.0120\n    timesteps: 1000\n    scale_factor: 0.18215\n    use_ema: False\n    unet_config:\n      params:\n        image_size: 32 # unused\n`;
const sgm = (scaling: string): string => `model:\n  target: sgm.models.diffusion.DiffusionEngine\n  params:\n    scale_factor: 0.13025\n    denoiser_config:\n      target: sgm.modules.diffusionmodules.denoiser.DiscreteDenoiser\n      params:\n        num_idx: 1000\n        scaling_config:\n          target: sgm.modules.diffusionmodules.denoiser_scaling.${scaling}\n        discretization_config:\n          target: sgm.modules.diffusionmodules.discretizer.LegacyDDPMDiscretization\n`;

describe.each(Object.keys(tinyFamilies))('%s', (family) => {
  const cases: [string, string, 'eps' | 'v'][] = [
    ['LDM, quoted', ldm('    parameterization: "v"\n'), 'v'], ['LDM, bare', ldm('    parameterization: v\n'), 'v'], ['LDM, which says nothing', ldm(''), 'eps'], ['LDM, for inpainting, which says nothing', ldm('').replace('LatentDiffusion', 'LatentInpaintDiffusion'), 'eps'], ['LDM, eps', ldm("    parameterization: 'eps'\n"), 'eps'], ['SGM', sgm('VScaling'), 'v'], ['SGM, eps', sgm('EpsScaling'), 'eps'],
    ['diffusers\' word', 'prediction_type: v_prediction\n', 'v'], ['at the top', '{parameterization: v}', 'v'], ['with a mark of byte order and Windows\' line ends', `\ufeff${ldm('    parameterization: "v"\n').replaceAll('\n', '\r\n')}`, 'v'],
    ['with an anchor', 'a: &a\n  parameterization: v\nmodel:\n  params:\n    <<: *a\n', 'v'],
  ];
  test.each(cases)('%s', async (_, yaml, prediction) => {
    const file = await openModel(beside(yaml, family)), report = identify(file);
    expect(report).toMatchObject({ prediction, predictionFrom: 'plains-vpred.yaml', confidence: expect.any(Number) as number, problems: [], runnable: true });
    expect(familyTraits(file).prediction).toBe(prediction);
    expect(identify(file, { prediction: prediction === 'v' ? 'eps' : 'v' })).toMatchObject({ prediction: prediction === 'v' ? 'eps' : 'v', predictionFrom: 'user' });
  });
});

describe('what it says', () => {
  test('inspect tells who says it, in words and as JSON', async () => {
    const path = beside(ldm('    parameterization: "v"\n    rescale_betas_zero_snr: True\n'));
    expect(await inspect(path, '--no-hash')).toMatch(/^prediction +v\nsaid by +plains-vpred\.yaml\nterminal SNR +zero$/m);
    expect(JSON.parse(await inspect(path, '--no-hash', '--json'))).toMatchObject({ prediction: 'v', predictionFrom: 'plains-vpred.yaml', zeroTerminalSnr: true });
    expect(JSON.parse(await inspect(beside(null), '--no-hash', '--json'))).toMatchObject({ prediction: 'eps', predictionFrom: 'family' });
  });
  test.each(['rescale_betas_zero_snr: true', 'zero_terminal_snr: yes', 'ztsnr: 1', 'use_zero_terminal_snr: "True"'])('zero terminal SNR: %s', async (line) => {
    const { table } = familyTraits(await openModel(beside(ldm(`    parameterization: v\n    ${line}\n`))));
    expect(table.sigmaMax).toBeGreaterThan(4000);
  });
  test('other betas make other noise levels; the usual ones the usual table', async () => {
    const betas = (start: string, end: string): string => `model: {params: {parameterization: eps, linear_start: ${start}, linear_end: ${end}}}`;
    expect(familyTraits(await openModel(beside(betas('0.001', '0.02')))).table).toEqual(sigmaTable(scaledLinearAlphas(1000, 0.001, 0.02)));
    expect(familyTraits(await openModel(beside(betas('8.5e-4', '.012')))).table).toBe(stableDiffusionTable);
    expect(familyTraits(await openModel(beside(ldm('')))).table).toBe(stableDiffusionTable);
  });
  test('pictures\' sizes; the usual 64 says nothing', () => {
    const side = (size: number): number | undefined => readYamlConfig('a.yaml', { model: { params: { image_size: String(size) } } }).side;
    expect([64, 96, 128, 8, 5000].map(side)).toEqual([undefined, 768, 1024, undefined, undefined]);
  });
  test.each([['x0', ldm('    parameterization: x0\n')], ['sgm.modules.diffusionmodules.denoiser_scaling.EDMScaling', sgm('EDMScaling')], ['sgm.modules.diffusionmodules.denoiser_scaling.VScalingWithEDMcNoise', sgm('VScalingWithEDMcNoise')]])('%s is refused by its name', async (said, yaml) => {
    const file = await openModel(beside(yaml));
    expect(identify(file)).toMatchObject({ prediction: null, runnable: false, problems: [{ code: 'prediction.other', data: { file: 'plains-vpred.yaml', said } }] });
    expect(whyNotRunnable(file)!.info).toMatchObject({ code: 'model.unsupported', data: { why: 'prediction', said } });
  });
  test.each([['parameterization', 'parameterization: w'], ['beta_schedule', 'beta_schedule: cosine'], ['linear_start, linear_end, timesteps', 'timesteps: 500'], ['linear_start, linear_end, timesteps', 'linear_start: -1'], ['linear_start, linear_end, timesteps', 'linear_end: much']])('what it does not know of %s is a doubt: %s', async (key, line) => {
    const file = await openModel(beside(`model:\n  params:\n    ${line}\n`));
    expect(identify(file)).toMatchObject({ prediction: 'eps', runnable: true, problems: [{ code: 'config.unknown', data: { file: 'plains-vpred.yaml', key } }] });
    expect(familyTraits(file).table).toBe(stableDiffusionTable);
  });
  test('a mark or the metadata that say otherwise are a doubt, and it counts; those that say the same are none', async () => {
    const marked = await randomFamilyCheckpoint(tinyFamilies.sdxl, { markers: ['v_pred'], metadata: { 'modelspec.prediction_type': 'v' } }), yaml = join(dirname(marked), 'random.yaml');
    writeFileSync(yaml, 'parameterization: eps');
    expect(identify(await openModel(marked))).toMatchObject({ prediction: 'eps', predictionFrom: 'random.yaml', problems: [{ code: 'prediction.differ', data: { prediction: 'eps', from: 'random.yaml', against: 'v_pred' } }] });
    writeFileSync(yaml, 'parameterization: v');
    expect(identify(await openModel(marked))).toMatchObject({ prediction: 'v', problems: [] });
    rmSync(yaml);
    expect(identify(await openModel(marked))).toMatchObject({ prediction: 'v', predictionFrom: 'v_pred' });
  });
  test.each<[Record<string, string>, 'eps' | 'v', string, boolean]>([
    [{ 'modelspec.prediction_type': 'v' }, 'v', 'modelspec.prediction_type', false], [{ 'modelspec.prediction_type': 'epsilon' }, 'eps', 'modelspec.prediction_type', false], [{ ss_base_model_version: 'sd_v2_v', ss_v2: 'True' }, 'v', 'ss_base_model_version', false],
    [{ ss_v_parameterization: 'True', ss_zero_terminal_snr: 'True' }, 'v', 'ss_v_parameterization', true], [{ ss_zero_terminal_snr: 'False' }, 'eps', 'family', false],
  ])('metadata %j', async (metadata, prediction, from, isZero) => {
    const file = await openModel(await randomFamilyCheckpoint(tinyFamilies.sd1, { metadata }));
    expect(identify(file)).toMatchObject({ prediction, predictionFrom: from });
    expect(familyTraits(file).table.sigmaMax > 4000).toBe(isZero);
  });
});

describe('whose it is', () => {
  test('a file of another name, or of no model, is none', async () => {
    const path = beside(null);
    for (const name of ['other.yaml', 'plains-vpred.safetensors.yaml', 'plains-vpred.yaml.txt', 'plains.yaml']) writeFileSync(join(dirname(path), name), 'parameterization: v');
    expect(identify(await openModel(path))).toMatchObject({ prediction: 'eps', predictionFrom: 'family' });
  });
  test('of a U-Net with its parts it is the U-Net\'s; beside a VAE it says nothing', async () => {
    const whole = checkpoints['sd1']!;
    const paths = { model: await partOf(whole, 'u.safetensors', below('model.diffusion_model.')), vae: await partOf(whole, 'v.safetensors', below('first_stage_model.')), textEncoders: [await partOf(whole, 't.safetensors', below('cond_stage_model.transformer.'))] };
    writeFileSync(paths.vae.replace('.safetensors', '.yaml'), 'parameterization: v');
    expect(familyTraits((await openParts(paths)).file).prediction).toBe('eps');
    writeFileSync(paths.model.replace('.safetensors', '.yaml'), 'parameterization: v');
    expect(familyTraits((await openParts(paths)).file).prediction).toBe('v');
    expect(familyTraits((await openParts({ model: whole, vae: paths.vae })).file).prediction).toBe('eps');
  });
  test('a folder\'s own scheduler, and a .yaml beside it that says more', async () => {
    const folder = await folderOf(checkpoints['sd1']!), scheduler = (settings: object): void => { mkdirSync(join(folder, 'scheduler'), { recursive: true }); writeFileSync(join(folder, 'scheduler', 'scheduler_config.json'), JSON.stringify(settings)); };
    scheduler({ _class_name: 'DDIMScheduler', prediction_type: 'v_prediction', beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', num_train_timesteps: 1000 });
    expect(identify(await openModel(folder))).toMatchObject({ prediction: 'v', predictionFrom: 'scheduler_config.json', problems: [] });
    for (const [settings, said] of [[{ _class_name: 'EDMDPMSolverMultistepScheduler', prediction_type: 'epsilon' }, 'EDMDPMSolverMultistepScheduler'], [{ _class_name: 'EDMEulerScheduler', prediction_type: 'v_prediction' }, 'EDMEulerScheduler'], [{ prediction_type: 'sample' }, 'sample']] as const) {
      scheduler(settings);
      expect(identify(await openModel(folder))).toMatchObject({ prediction: null, runnable: false, problems: [{ code: 'prediction.other', data: { said } }] });
    }
    scheduler({ prediction_type: 'epsilon', beta_schedule: 'linear' });
    expect(identify(await openModel(folder)).problems).toMatchObject([{ code: 'config.unknown', data: { key: 'beta_schedule', value: 'linear' } }]);
    scheduler({ prediction_type: 'epsilon', rescale_betas_zero_snr: true });
    writeFileSync(`${folder}.yaml`, 'parameterization: v');
    expect(identify(await openModel(folder))).toMatchObject({ prediction: 'v', predictionFrom: `${basename(folder)}.yaml`, zeroTerminalSnr: true });
    rmSync(`${folder}.yaml`);
  });
  test('what the tools make of it says the same without it', async () => {
    for (const [family, names] of [['sdxl', ['v_pred', 'ztsnr']], ['sd1', ['ztsnr']]] as const) {
      const out = join(scratchFolder(), 'out.safetensors');
      await convertModel({ in: beside('{parameterization: v, zero_terminal_snr: true}', family), out, precision: 'F16' });
      const file = await openModel(out);
      expect(identify(file)).toMatchObject({ prediction: 'v', zeroTerminalSnr: true, problems: [] });
      expect(['v_pred', 'ztsnr'].filter((name) => file.tensors.has(name))).toEqual(names);
    }
    const out = join(scratchFolder(), 'out.safetensors'), folder = await folderOf(checkpoints['sd1']!);
    mkdirSync(join(folder, 'scheduler'));
    writeFileSync(join(folder, 'scheduler', 'scheduler_config.json'), '{"prediction_type":"v_prediction","rescale_betas_zero_snr":true}');
    await convertModel({ in: folder, out });
    expect(identify(await openModel(out))).toMatchObject({ prediction: 'v', zeroTerminalSnr: true });
  });
  test('one that comes, changes or goes makes another version of the model', async () => {
    const path = beside(null), yaml = path.replace('.safetensors', '.yaml'), versions = [await versionOf(path)];
    for (const change of [() => writeFileSync(yaml, 'parameterization: v'), () => utimesSync(yaml, 1, 1), () => renameSync(yaml, `${yaml}.off`)]) { change(); versions.push(await versionOf(path)); }
    expect(new Set(versions).size).toBe(3);
    expect(versions[3]).toBe(versions[0]);
  });
});

describe('read safely', () => {
  const problemsOf = async (path: string): Promise<unknown[]> => identify(await openModel(path)).problems;
  test.each<[string, string | Uint8Array]>([
    ['no YAML', 'model: [unclosed'], ['no UTF-8', Uint8Array.of(0x61, 0x3a, 0x20, 0xff, 0xfe)], ['brackets that do not close', '['.repeat(400)], ['deep indentation', Array.from({ length: 300 }, (_, i) => `${' '.repeat(i)}a:\n`).join('') + ' b: ['],
    ['anchors that double', `a0: &a0 [x, x]\n${Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]\n`).join('')}`],
  ])('%s is a doubt, and the model runs', async (_, yaml) => {
    const path = beside(yaml);
    expect(await problemsOf(path)).toMatchObject([{ code: 'config.damaged', data: { file: 'plains-vpred.yaml' } }]);
    expect(whyNotRunnable(await openModel(path))).toBeNull();
  });
  test('a folder of that name, one that is large, and one of brackets are no settings', async () => {
    const path = beside(null), yaml = path.replace('.safetensors', '.yaml');
    mkdirSync(yaml);
    expect(await problemsOf(path)).toMatchObject([{ code: 'config.notPlain', data: { file: 'plains-vpred.yaml' } }]);
    for (const text of [`# ${'x'.repeat(1 << 16)}\nparameterization: v\n`, '['.repeat(60_000), '{a: '.repeat(15_000)]) expect(await problemsOf(beside(text))).toMatchObject([{ code: 'config.notPlain', data: { file: 'plains-vpred.yaml' } }]);
  });
  test.each(['', '# nothing', 'null', '- a\n- b', 'just words', '42', 'model: 7', 'model: {params: [1]}', 'model: {params: {parameterization: {a: b}}}', '!!js/function "x"', 'a: !tag b'])('%j takes nothing', async (yaml) => {
    expect(identify(await openModel(beside(yaml)))).toMatchObject({ prediction: 'eps', runnable: true });
  });
  test('a drive that does not answer is no "not there"', async () => {
    const path = beside('parameterization: v'), { stat } = fs;
    vi.spyOn(fs, 'stat').mockImplementation(((target: string, ...rest: []) => (String(target).endsWith('.yaml') ? Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })) : stat(target, ...rest))) as typeof stat);
    await expect(openModel(path)).rejects.toMatchObject({ code: 'disk.silent' });
  });
  test('of anything it makes a prediction or none (property)', () => {
    const keys = fc.constantFrom('model', 'params', 'parameterization', 'prediction_type', 'denoiser_config', 'scaling_config', 'target', 'linear_start', 'linear_end', 'timesteps', 'beta_schedule', 'image_size', 'ztsnr', '_class_name', '__proto__', 'constructor');
    const leaf = fc.oneof(fc.constantFrom('v', 'eps', 'x0', 'true', '0.5', 'x.VScaling', 'EDMScaling'), fc.string(), fc.double(), fc.boolean(), fc.constant(null));
    const { tree } = fc.letrec((tie) => ({ tree: fc.oneof({ maxDepth: 5 }, leaf, fc.array(tie('tree'), { maxLength: 3 }), fc.array(fc.tuple(keys, tie('tree')), { maxLength: 5 }).map((pairs) => Object.fromEntries(pairs) as object)) }));
    fc.assert(fc.property(tree, (value) => {
      const configs = [readYamlConfig('a.yaml', value), ...(typeof value === 'object' && value !== null && !Array.isArray(value) ? [readSchedulerConfig('a.json', value as Record<string, unknown>)] : [])];
      for (const { prediction, betas, side } of configs) {
        expect(['eps', 'v', undefined]).toContain(prediction);
        if (betas) expect(betas.start > 0 && betas.start < betas.end && betas.end < 1).toBe(true);
        if (side !== undefined) expect(side % 8).toBe(0);
      }
    }), { numRuns: fuzzRuns(1000) });
  });
  test('of any bytes it makes a doubt, or settings (property)', async () => {
    const path = beside(''), yaml = path.replace('.safetensors', '.yaml');
    const text = fc.oneof(fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)), fc.array(fc.constantFrom('model:', '\n  ', 'params:', ' v', 'parameterization:', '&a ', '*a', '<<: ', '- ', '[', '{', '"', '!!binary ', '\t', ': ', '|\n', '%YAML 1.2\n---\n', '...\n'), { maxLength: 20 }).map((parts) => Buffer.from(parts.join(''))));
    await fc.assert(fc.asyncProperty(text, async (bytes) => {
      writeFileSync(yaml, bytes);
      const { config } = await import('../../../main/files/model-config').then(({ withConfigBeside }) => withConfigBeside({ path, sizeBytes: 0, dataOffset: 0, tensors: new Map(), metadata: {} }));
      expect(config?.from).toBe('plains-vpred.yaml');
    }), { numRuns: fuzzRuns(500) });
  });
});
