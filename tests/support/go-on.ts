// Passes and jobs that were stopped here go on in another process.
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JobSpec } from '../../preload/contract/job';
import { bundleProgram } from './bundle-program';
import type { PassCase } from './pass-cases';
import type { JobFiles } from './whole-jobs';

/** A pass or a job, and the bytes of its state's file in base64. */
export type Stopped = { readonly state: string } & ({ readonly which: PassCase } | { readonly job: JobSpec; readonly files: JobFiles });

/** What each comes to, as `fingerprint` has it: one process goes on with all. */
export async function goOn(stopped: readonly Stopped[]): Promise<string[]> {
  const { program, folder } = await bundleProgram('tests/support/pass-child.ts');
  try {
    const input = join(folder, 'stopped.json');
    await writeFile(input, JSON.stringify(stopped));
    const { stdout } = await promisify(execFile)(process.execPath, [program, input], { maxBuffer: 2 ** 28 });
    return JSON.parse(stdout) as string[];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
