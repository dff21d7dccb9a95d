// The model tools from the terminal: one line of JSON, and mistakes that name the flag.
import { existsSync, linkSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { runBake, runConvert, runExtract, runMerge, runPrune } from '../../../main/cli/tools';
import { AppError } from '../../../main/engine/errors';
import { scratchFolder } from '../../support/checkpoints';
import { randomWeights, readWeights, writeWeights } from '../../support/weights';
import { wordsFor } from '../../support/words';

afterEach(() => { vi.restoreAllMocks(); });

const shapes = { 'model.diffusion_model.input_blocks.0.0.weight': [8, 4, 3, 3], 'model.diffusion_model.middle_block.1.proj_in.weight': [8, 8, 1, 1] } as const;
const [a, b] = [1, 2].map((seed) => writeWeights(randomWeights(shapes, seed))) as [string, string];
const folder = scratchFolder(), out = join(folder, 'out.safetensors'), lora = join(folder, 'my style.safetensors');

async function run(tool: (args: string[]) => Promise<number>, ...args: string[]): Promise<Record<string, unknown>> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => { text += String(chunk); return true; });
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(await tool([...args, '--json'])).toBe(0);
  expect(text.trim().split('\n')).toHaveLength(1);
  return JSON.parse(text) as Record<string, unknown>;
}

async function mistake(tool: (args: string[]) => Promise<number>, ...args: string[]): Promise<string> {
  const error: unknown = await tool(args).catch((cause: unknown) => cause);
  if (!(error instanceof AppError) || !['usage', 'tool.overSource', 'merge.noThird', 'merge.blocks'].includes(error.code)) throw new Error(`expected a refusal of what was asked, got ${String(error)}`);
  return wordsFor(error).message;
}

test('merge, extract, bake, convert and prune, one after the other', async () => {
  expect(await run(runMerge, '--a', a, '--b', b, '--multiplier', '0.5', '--out', out)).toMatchObject({ path: out, merged: 2, tensors: 2, dryRun: false });
  expect(await run(runExtract, '--a', b, '--b', a, '--rank', '8', '--out', lora)).toMatchObject({ layers: 1 });
  expect(await run(runBake, '--model', a, '--lora', `${lora}:0.5:0`, '--lora', `${lora}:-.5`, '--out', out)).toMatchObject({ loras: [{ applied: 1 }, { applied: 1 }] });
  const before = (await readWeights(a)).tensors, after = (await readWeights(out)).tensors;
  for (const [name, { values }] of Object.entries(after)) values.forEach((value, i) => expect(value).toBeCloseTo(before[name]!.values[i]!, 5));   // once there and once back
  expect(await run(runConvert, '--in', a, '--out', out, '--precision', 'bf16')).toMatchObject({ tensors: 2 });
  expect((await readWeights(out)).tensors[Object.keys(shapes)[0]!]!.dtype).toBe('BF16');
  expect(await run(runPrune, '--in', a, '--out', out)).toMatchObject({ dropped: [] });
});

test('a dry run writes nothing', async () => {
  const other = join(scratchFolder(), 'x.safetensors');
  expect(await run(runMerge, '--a', a, '--b', b, '--multiplier', '1', '--out', other, '--dry-run')).toMatchObject({ dryRun: true });
  expect(existsSync(other)).toBe(false);
});

test('an input is never written over, by whatever name', async () => {
  const inputs = scratchFolder(), alias = join(scratchFolder(), 'alias'), model = writeWeights(randomWeights(shapes, 1), {}, join(inputs, 'a.safetensors')), before = readFileSync(model);
  symlinkSync(inputs, alias);
  linkSync(model, join(inputs, 'twin.safetensors'));
  for (const name of [model, join(alias, 'a.safetensors'), join(inputs, 'twin.safetensors')]) {
    expect(await mistake(runMerge, '--a', b, '--b', model, '--multiplier', '0.5', '--out', name)).toContain('cannot be written over it');
    expect(await mistake(runConvert, '--in', model, '--out', name)).toContain('cannot be written over it');
    expect(await mistake(runExtract, '--a', b, '--b', model, '--out', name)).toContain('cannot be written over it');
    expect(await mistake(runBake, '--model', model, '--lora', `${b}:1`, '--out', name)).toContain('cannot be written over it');
  }
  expect(readFileSync(model)).toEqual(before);
});

test('mistakes name the flag', async () => {
  const merge = ['--a', a, '--b', b, '--out', out];
  expect(await mistake(runMerge, ...merge)).toContain('--multiplier');
  expect(await mistake(runMerge, ...merge, '--multiplier', '1', '--c', a)).toContain('--c');
  expect(await mistake(runMerge, ...merge, '--multiplier', '1', '--mode', 'add-difference')).toContain('C');
  expect(await mistake(runMerge, ...merge, '--multiplier', '1', '--blocks', '1 2')).toContain('2 numbers');
  expect(await mistake(runConvert, '--in', a, '--out', join(folder, 'x.ckpt'))).toContain('safetensors');
  expect(await mistake(runConvert, '--in', a, '--out', out, '--precision', 'fp17')).toContain('fp17');
  expect(await mistake(runBake, '--model', a, '--out', out)).toContain('--lora');
  expect(await mistake(runBake, '--model', a, '--lora', lora, '--out', out)).toContain('no weight');
  expect(await mistake(runExtract, '--a', a, '--b', b, '--rank', '1.5', '--out', out)).toContain('--rank');
});
