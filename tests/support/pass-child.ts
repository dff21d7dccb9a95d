// A process that goes on with passes and jobs that another stopped. Bundled and run by `goOn`. Reads a list of `Stopped` from the file in its argument and prints
// what each came to.
import { readFileSync } from 'node:fs';
import { decodePassState } from '../../main/engine/pipeline/pass-state';
import type { Stopped } from './go-on';
import { fingerprint, runPass } from './pass-cases';
import { runWholeJob } from './whole-jobs';

const results: string[] = [];
for (const stopped of JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Stopped[]) {
  const resume = await decodePassState(Buffer.from(stopped.state, 'base64'), 'stopped');
  results.push(fingerprint(await ('which' in stopped ? runPass(stopped.which, resume) : runWholeJob(stopped.job, stopped.files, { resume }))));
}
console.log(JSON.stringify(results));
