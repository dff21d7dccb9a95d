// `generate --from`: what is said of files that the picture may mean.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { readLike } from '../../../main/cli/generate-inputs';
import type { LocalStudio } from '../../../main/services/studio';
import { scratchFolder } from '../../support/checkpoints';

test.each<[string, Record<string, string>, string[]]>([['nothing', {}, ['meadow', 'fog']], ['the model', { model: 'mini' }, ['fog']], ['the model and the VAE', { model: 'mini', vae: 'v' }, []]])('with %s given, files that fit as well are named for the rest', async (_, given, named) => {
  const path = join(scratchFolder(), 'a.png'), said: string[] = [];
  writeFileSync(path, 'x');
  const several = [{ slot: 'model', name: 'meadow', taken: 'a/meadow', others: ['b/meadow'] }, { slot: 'vae', name: 'fog', taken: 'a/fog', others: ['b/fog'] }];
  const read = { report: { job: null, missing: [] }, request: { files: { model: 'a' } }, otherVersions: [], severalFit: several, leftOut: [] };
  const studio = { blobs: { add: () => Promise.resolve({ hash: 'ab' }) }, pictures: { read: () => Promise.resolve(read) } } as unknown as LocalStudio;
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => { said.push(String(text)); return true; });
  await readLike(studio, path, given).finally(() => { write.mockRestore(); });
  expect(said.map((line) => /^Several files fit (\w+)/.exec(line)?.[1])).toEqual(named);
});
