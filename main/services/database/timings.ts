// How long things took on this machine, for the estimates: a moving average for each model, size and number of evaluations.
import type { Database } from 'libsql';
import type { JobTimings } from '../../worker/protocol';
import type { Timing, TimingStore } from '../machine/estimates';
import { transaction } from './transaction';

/** Weight of the newest run. */
const NEWEST = 0.3;
/** A model that was open already says nothing about how long opening takes. */
const OPEN_ALREADY_SECONDS = 0.02;

const select = `SELECT model_hash AS modelHash, parameters, width, height, evaluations, open_seconds AS openSeconds, step_seconds AS stepSeconds,
  decode_seconds AS decodeSeconds, peak_bytes AS peakBytes, unet_flops AS unetFlops, decode_flops AS decodeFlops FROM timings`;

export function timingStore(db: Database): TimingStore {
  const put = db.prepare('INSERT OR REPLACE INTO timings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const same = db.prepare(`${select} WHERE model_hash = ? AND width = ? AND height = ? AND evaluations = ?`);
  const list = db.prepare(`${select} ORDER BY updated_at DESC`);
  return {
    add: transaction(db, (run: Timing): void => {
      const { modelHash, parameters, width, height, evaluations, unetFlops, decodeFlops } = run;
      const known = same.get(modelHash, width, height, evaluations) as Timing | undefined;
      const mean = (name: keyof JobTimings) => (known ? known[name] + NEWEST * (run[name] - known[name]) : run[name]);
      const openSeconds = known && run.openSeconds < OPEN_ALREADY_SECONDS ? known.openSeconds : mean('openSeconds');
      put.run(modelHash, parameters, width, height, evaluations, openSeconds, mean('stepSeconds'), mean('decodeSeconds'), mean('peakBytes'), Date.now(),
        unetFlops, decodeFlops);
    }),
    list: () => list.all() as Timing[],
  };
}
