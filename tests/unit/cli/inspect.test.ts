// `inspect`: one answer for whatever a path leads to, in JSON as it is promised and in words.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { runInspect } from '../../../main/cli/inspect';
import { expectedSd1 } from '../../../main/engine/families/expected-sd1';
import { ModelReport } from '../../../preload/contract/model';
import { scratchFolder, tinySizes, zeroFile } from '../../support/checkpoints';
import { op, tensorOf, torchLegacy, torchZip, type Value } from '../../support/pickles';

const folder = scratchFolder();
const write = (name: string, bytes: Uint8Array): string => { const path = join(folder, name); writeFileSync(path, bytes); return path; };
async function inspect(...args: string[]): Promise<string> {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  expect(await runInspect(args)).toBe(0);
  const text = out.mock.calls.map(([part]) => String(part)).join('');
  out.mockRestore();
  return text;
}

const embedding: Value = { string_to_token: { '*': 265 }, string_to_param: { '*': tensorOf('F32', [2, 768]) }, name: 'ink\x1b[2J', step: 100 };

describe('a pickled model', () => {
  test.each([['new.pt', torchZip(embedding)], ['old.bin', torchLegacy(embedding)]])('%s as JSON', async (name, bytes) => {
    const report = ModelReport.parse(JSON.parse(await inspect(write(name, bytes), '--json')));
    expect(report).toMatchObject({ kind: 'embedding', family: 'sd1', precision: 'fp32', parameters: 1536, tensors: 1, metadata: { step: '100' }, problems: [] });
    expect(report.hashes?.autov3).toBe(report.hashes?.sha256.slice(0, 12));
    expect(ModelReport.parse(JSON.parse(await inspect(write(name, bytes), '--json', '--no-hash'))).hashes).toBeNull();
  });
  test('in words, which cannot steer the terminal', async () => {
    const text = await inspect(write('words.pt', torchZip(embedding)), '--no-hash');
    expect(text).toMatch(/^kind +embedding$/m);
    expect(text).toMatch(/^ {2}step: 100$/m);
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
  test('a malicious one is refused by name', async () => {
    const path = write('evil.ckpt', torchZip(Buffer.concat([op.proto(2), op.global('os', 'system'), Buffer.from('.')])));
    await expect(runInspect([path, '--json'])).rejects.toMatchObject({ code: 'weights.forbiddenGlobal', message: expect.stringContaining('os.system'), hint: expect.any(String) });
  });
});

test('--prediction overrides what the file leaves open', async () => {
  const path = write('sd1.safetensors', zeroFile([...expectedSd1(tinySizes)].map(([name, shape]) => ({ name, shape, dtype: 'F16' as const }))));
  expect(JSON.parse(await inspect(path, '--json', '--no-hash', '--prediction', 'v'))).toMatchObject({ kind: 'checkpoint', prediction: 'v' });
  expect(JSON.parse(await inspect(path, '--json', '--no-hash'))).toMatchObject({ kind: 'checkpoint', prediction: 'eps' });
});

describe('a folder', () => {
  test('of single files names them', async () => {
    const path = scratchFolder();
    mkdirSync(join(path, 'sub'));
    for (const name of ['b.ckpt', 'a.safetensors', 'sub/c.pt', 'notes.txt']) writeFileSync(join(path, name), '');
    await expect(runInspect([path])).rejects.toMatchObject({ code: 'file.unreadable', message: expect.stringContaining(basename(path)), hint: expect.stringContaining(`a.safetensors, b.ckpt, ${join('sub', 'c.pt')}.`) });
  });
  test('without models says so', async () => {
    await expect(runInspect([scratchFolder()])).rejects.toMatchObject({ code: 'file.unreadable', hint: expect.stringMatching(/no model file/) });
  });
  test('of a diffusers model that is not whole names the part', async () => {
    const path = scratchFolder();
    mkdirSync(join(path, 'unet'));
    await expect(runInspect([path])).rejects.toMatchObject({ code: 'model.notACheckpoint', message: expect.stringContaining('unet') });
  });
});
