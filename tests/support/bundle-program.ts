// A program from our sources, for a test that runs it in a process of its own.
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const repository = join(import.meta.dirname, '../..');

/** `source`: from the repository. The folder is the program's own, and the caller's to remove. */
export async function bundleProgram(source: string): Promise<{ program: string; folder: string }> {
  const folder = await mkdtemp(join(repository, 'tests/.artifacts-program-'));      // inside, so that it finds the packages
  const program = join(folder, 'program.mjs');
  // Two folders below the root, as the sources lie, from which they find resources.
  await build({ entryPoints: [join(repository, source)], bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: program });
  return { program, folder };
}
