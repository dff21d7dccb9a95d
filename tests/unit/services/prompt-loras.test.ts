// LoRAs of a job: those that its prompt calls up, found by name when the job is made, and those that were asked for.
import { afterEach, expect, test } from 'vitest';
import type { AppError } from '../../../main/engine/errors';
import type { KnownBeside } from '../../../main/services/models/runnable';
import { openBench, type Bench } from '../../support/queue';

const lora = (name: string, more: Partial<KnownBeside> = {}): KnownBeside => ({ id: `id-${name}`, name, path: `/models/loras/${name}.safetensors`, hash: null, made: 'sd1', outputName: undefined, scale: null, ...more });
const loras = [lora('ink'), lora('v2', { path: '/models/loras/old/v2.safetensors', outputName: 'Watercolour' }), lora('big', { made: 'sdxl' }), lora('unsure', { made: null })];
let bench: Bench;
afterEach(() => bench.close());

async function made(prompt: string, more: Parameters<Bench['ask']>[1] = {}) {
  bench = openBench({ loras });
  const [job] = await bench.ask(prompt, more);
  const { spec, fileIds } = bench.store.jobs.get(job!.id)!;
  if (spec.kind === 'upscale') throw new Error('it paints');
  return { uses: spec.loras, names: spec.files.loras?.map(({ name }) => name), ids: fileIds.loras, prompt: spec.prompt, remarks: job!.remarks, id: job!.id };
}

test('a tag is found by the name of its file or by the one that its trainer gave it, and stays in the prompt', async () => {
  const { uses, names, ids, prompt, remarks, id } = await made('a cat <lora:INK:0.5:0.8> <lyco:watercolour> <lora:unsure:0>');
  expect(uses).toEqual([{ unet: 0.8, text: 0.5, fromPrompt: true }, { unet: 1, text: 1, fromPrompt: true }, { unet: 0, text: 0, fromPrompt: true }]);
  expect([names, ids, prompt, remarks]).toEqual([['ink', 'v2', 'unsure'], ['id-ink', 'id-v2', 'id-unsure'], 'a cat <lora:INK:0.5:0.8> <lyco:watercolour> <lora:unsure:0>', []]);
  await bench.until(id, 'done');
  expect(bench.runs()[0]!.files.loras).toEqual(['/models/loras/ink.safetensors', '/models/loras/old/v2.safetensors', '/models/loras/unsure.safetensors']);
});

test('tags of the second pass are its own where it has a prompt of its own, and those of the first are not', async () => {
  const { uses, names } = await made('a cat <lora:ink:0.5>', { hires: { scale: 2, upscaler: 'latent', strength: 0.5, prompt: 'a fine cat <lora:ink:0.9> <lora:v2:1>' } });
  expect([uses, names]).toEqual([[{ unet: 0.5, text: 0.5, pass: 'first', fromPrompt: true }, { unet: 0.9, text: 0.9, pass: 'second', fromPrompt: true }, { unet: 1, text: 1, pass: 'second', fromPrompt: true }], ['ink', 'ink', 'v2']]);
  const { uses: both } = await made('a cat <lora:ink:0.5>', { hires: { scale: 2, upscaler: 'latent', strength: 0.5 } });
  expect(both).toEqual([{ unet: 0.5, text: 0.5, fromPrompt: true }]);
});

test('what is not there, or is for another kind of model, is said and left out', async () => {
  const { uses, remarks } = await made('a cat <lora:gone:1> <lora:big:1> # <lora:ink:1>');
  expect([uses, remarks]).toEqual([undefined, [
    { code: 'lora.missing', data: { name: 'gone' } },
    { code: 'lora.otherBase', data: { name: 'big', made: 'SDXL', model: 'mini', family: 'Stable Diffusion 1' } },
  ]]);
});

test("in ComfyUI's language a tag is text", async () => expect(await made('a <lora:ink:1>', { emphasis: 'comfy' })).toMatchObject({ uses: undefined, remarks: [] }));

test('those that were asked for come first; one that is for another kind of model is refused by its name', async () => {
  const { uses, names } = await made('<lora:ink:1>', { files: { loras: ['id-v2'] }, loras: [{ unet: 0.4, text: 0.2, start: 0.5 }] });
  expect([uses, names]).toEqual([[{ unet: 0.4, text: 0.2, start: 0.5 }, { unet: 1, text: 1, fromPrompt: true }], ['v2', 'ink']]);
  const refused = await bench.ask('x', { files: { loras: ['id-big'] } }).catch((error: AppError) => error);
  expect(refused).toMatchObject({ code: 'lora.otherBase', data: { lora: 'big', made: 'SDXL', model: 'mini' } });
  await expect(bench.ask('x', { files: { loras: ['id-ink'] }, loras: [] })).rejects.toMatchObject({ code: 'request.invalid' });
});
