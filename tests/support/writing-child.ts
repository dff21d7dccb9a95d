// Writes a file that never ends, until it is killed, or asked on its stdin to exit at once. For temp-files.test.ts.
import { writeAtomicChunks } from '../../main/services/data/disk';

process.stdin.once('data', () => process.exit(130));
await writeAtomicChunks(process.argv[2]!, (async function* endless() {
  for (;;) {
    yield Buffer.alloc(1000);
    console.log('wrote');
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
})(), 1e9);
