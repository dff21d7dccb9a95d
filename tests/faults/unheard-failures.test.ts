// No promise of the studio fails with nobody to hear it: that would end its process.
import { afterEach, expect, it, vi } from 'vitest';
import { SettingsStore } from '../../main/services/data/settings';
import { createStudio } from '../../main/services/studio';
import { JobRequest } from '../../preload/contract/job';
import { Settings } from '../../preload/contract/studio';
import { memoryLog } from '../support/log';
import { tempFolder } from '../support/pictures';
import { fakeWorker } from '../support/queue';

afterEach(() => { vi.restoreAllMocks(); });

it('settings that cannot be read when a worker is ready are said, and the worker works', async () => {
  const unheard = vi.fn(), log = memoryLog();
  process.on('unhandledRejection', unheard);
  // The first is the studio's own look at its start.
  const read = vi.spyOn(SettingsStore.prototype, 'get').mockResolvedValueOnce(Settings.parse({})).mockRejectedValue(new Error('no handle'));
  const studio = await createStudio({ dataDir: await tempFolder(), workerEntry: fakeWorker, resume: true, log });
  await vi.waitFor(() => { expect(read).toHaveBeenCalledTimes(2); }, { timeout: 20_000 });
  read.mockRestore();
  const [model] = await studio.models.list();
  const [job] = await studio.queue.enqueue(JobRequest.parse({ files: { model: model!.id }, prompt: 'x', steps: 4, sampler: 'ddim', schedule: 'normal', cfg: 4, width: 64, height: 64 }));
  await vi.waitFor(() => { expect(studio.queue.list().find(({ id }) => id === job!.id)!.state).toBe('done'); }, { timeout: 20_000 });
  await studio.close();
  process.off('unhandledRejection', unheard);
  expect(unheard).not.toHaveBeenCalled();
  expect(log.lines).toContainEqual(expect.objectContaining({ event: 'settings.untold', error: expect.objectContaining({ name: 'Error', frames: expect.any(Array) }) }));
});
