import { join } from 'node:path';

/** Two folders below the root, as programs that are bundled lie. */
export const fakeWorker = join(import.meta.dirname, '../../tests/support/fake-worker.mjs');
