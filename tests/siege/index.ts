// A studio under siege: kills, malformed payloads, hostile pictures, damaged folders, a full disk, few handles, little memory. Ends with one line of figures,
// and exit code 1 if anything was lost, left half, made twice, or hung, or if the studio's own process grew too large.
//
//   npm run siege [-- --minutes 15] [--seed N] [--only NAME]
import { parseArgs } from 'node:util';
import { buildHost } from '../support/host';
import { seededRandom } from '../support/random';
import { assaults } from './assaults';
import { Siege } from './siege';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '15' }, seed: { type: 'string' }, only: { type: 'string', default: '' } } });
const seed = Number(values.seed ?? Date.now() % 1e6), end = Date.now() + Number(values.minutes) * 60_000;
const chosen = assaults.filter(({ name }) => name.includes(values.only));
if (chosen.length === 0) throw new Error(`--only is one of: ${assaults.map(({ name }) => name).join(', ')}`);

const host = await buildHost(), siege = new Siege(host, seededRandom(seed));
console.log(`Seed ${seed}.`);
try {
  for (let i = 0; Date.now() < end || i < chosen.length; i++) {
    const assault = chosen[i % chosen.length]!, known = siege.faults.length, began = Date.now();
    await siege.round(assault);
    console.log(`${siege.figures.rounds} ${assault.name}, ${((Date.now() - began) / 1000).toFixed(0)} s`);
    for (const fault of siege.faults.slice(known)) console.log(`  ${fault}`);
  }
} finally {
  siege.leave();
  await host.remove();
}
for (const [what, why] of siege.undone) console.log(`Not done: ${what}, since ${why}.`);
const { rounds, kills, requests, jobs, peakMb } = siege.figures, count = (kind: string) => siege.faults.filter((fault) => fault.includes(`: ${kind}: `)).length;
const peak = peakMb > 0 ? `at most ${peakMb.toFixed(0)} MB` : 'size unknown (no /proc)';
console.log(`${rounds} rounds, ${kills} kills, ${requests} hostile requests, ${jobs} jobs; ${['lost', 'half', 'twice', 'hung', 'large'].map((kind) => `${count(kind)} ${kind}`).join(', ')}; ${peak}; seed ${seed}`);
process.exit(siege.faults.length > 0 ? 1 : 0);
