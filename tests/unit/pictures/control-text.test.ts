// Controls in A1111's text: what is written is read back, but for the pictures.
import { expect, test } from 'vitest';
import { JobSpec } from '../../../preload/contract/job';
import { parametersText } from '../../../main/services/pictures/parameters';
import { readParameters } from '../../../main/services/pictures/read/a1111';

const image = 'a'.repeat(64), file = (name: string) => ({ name, hash: 'd14c016b'.padEnd(64, '0') });
const job = JobSpec.parse({
  kind: 'txt2img', prompt: 'a cat', seed: 1, steps: 20, sampler: 'euler', schedule: 'normal', cfg: 7, width: 512, height: 512,
  files: { model: { name: 'm', hash: null }, controls: [file('canny'), file('lines, fine'), file('depth')] },
  controls: [
    { image, preprocessor: { name: 'canny', low: 50 } }, { image, preprocessor: { name: 'lineart_standard', resolution: 768 }, resize: 'fill', weight: 0.5, start: 0.1, end: 0.9, mode: 'prompt' },
    { image, resize: 'stretch', mode: 'control' },
  ],
});

test('as sd-webui-controlnet writes them', () => {
  const text = parametersText(job, { version: '1' });
  expect(text).toContain('ControlNet 0: "Module: canny, Model: canny [d14c016b], Weight: 1, Resize Mode: Crop and Resize, Processor Res: 512, Threshold A: 50, Threshold B: 200, Guidance Start: 0, Guidance End: 1, Pixel Perfect: True, Control Mode: Balanced"');
  expect(readParameters(text).job.controls).toEqual([
    { model: { name: 'canny', hash: 'd14c016b' }, preprocessor: { name: 'canny', low: 50, high: 200 }, resize: 'crop', weight: 1, start: 0, end: 1, mode: 'balanced' },
    { model: { name: 'lines fine', hash: 'd14c016b' }, preprocessor: { name: 'lineart_standard', resolution: 768, sigma: 6, threshold: 8 }, resize: 'fill', weight: 0.5, start: 0.1, end: 0.9, mode: 'prompt' },
    { model: { name: 'depth', hash: 'd14c016b' }, resize: 'stretch', weight: 1, start: 0, end: 1, mode: 'control' },
  ]);
});

test('a reference is one without a model', () => {
  const { controls: _, files: { controls: _files, ...files }, ...rest } = job;
  expect(parametersText(JobSpec.parse({ ...rest, files, reference: { image, mode: 'reference_adain+attn', fidelity: 0.3 } }), { version: '1' })).toContain('ControlNet 0: "Module: reference_adain+attn, Model: None, Weight: 1, Resize Mode: Crop and Resize, Processor Res: 512, Threshold A: 0.3,');
});

test.each([
  ['of a preprocessor that is not ours', 'Module: depth_midas, Model: control_depth [d14c016b], Weight: 1'], ['without a model', 'Module: reference_only, Model: None, Weight: 1'], ['beyond its range', 'Module: canny, Model: c, Weight: 9'], ['that is none', 'x'],
])('one %s stays in its words', (_, control) => {
  const { job: read } = readParameters(`a cat\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, ControlNet 0: "${control}"`);
  expect(read.controls).toBeUndefined();
  expect(read.extra['ControlNet 0']).toBe(control);
});
