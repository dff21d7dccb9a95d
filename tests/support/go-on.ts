// Passes and jobs that were stopped here go on in another process.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { JobSpec } from '../../preload/contract/job';
import type { PassCase } from './pass-cases';
import type { JobFiles } from './whole-jobs';

/** A pass or a job, and the bytes of its state's file in base64. */
export type Stopped = { readonly state: string } & ({ readonly which: PassCase } | { readonly job: JobSpec; readonly files: JobFiles });

const repository = join(import.meta.dirname, '../..');

/** What each comes to, as `fingerprint` has it: one process goes on with all. */
export async function goOn(stopped: readonly Stopped[]): Promise<string[]> {
  const folder = await mkdtemp(join(repository, 'tests/.artifacts-passes-'));      // inside, so that it finds the packages
  try {
    const [program, input] = [join(folder, 'child.mjs'), join(folder, 'stopped.json')];
    await build({ entryPoints: [join(repository, 'tests/support/pass-child.ts')], bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: program });
    await writeFile(input, JSON.stringify(stopped));
    const { stdout } = await promisify(execFile)(process.execPath, [program, input], { maxBuffer: 2 ** 28 });
    return JSON.parse(stdout) as string[];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
