// A siege: rounds of one assault after the other on a studio's data folder, each followed by a look at whether all that was promised is there.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobView } from '../../preload/contract/job';
import type { HostPackage, Surroundings } from '../support/host';
import type { Random } from '../support/random';
import { Ledger, type Promised } from './ledger';
import { Hung, Studio } from './studio';

/** Its own process, whatever is dropped on it. */
const MOST_MB = 500;
/** For all that was asked for in a round. */
const DONE_MS = 180_000;

export interface Assault {
  readonly name: string;
  run(siege: Siege): Promise<void>;
}

export class Siege {
  readonly host: HostPackage;
  readonly random: Random;
  readonly figures = { rounds: 0, kills: 0, requests: 0, jobs: 0, peakMb: 0 };
  readonly faults: string[] = [];
  /** What could not be done on this machine, and why. */
  readonly undone = new Map<string, string>();
  dataDir = '';
  ledger = new Ledger();
  private note: (fault: string) => void = () => {};
  private studios: Studio[] = [];
  private folders: string[] = [];

  constructor(host: HostPackage, random: Random) {
    this.host = host;
    this.random = random;
    this.moveOn();
  }

  /** To a new data folder, with nothing promised. Returns the way back. */
  moveOn(dataDir = mkdtempSync(join(tmpdir(), 'atelier-siege-'))): () => void {
    const { dataDir: before, ledger } = this;
    this.ledger = new Ledger();
    this.dataDir = dataDir;
    this.folders.push(dataDir);
    return () => { [this.dataDir, this.ledger] = [before, ledger]; };
  }

  async round({ name, run }: Assault): Promise<void> {
    this.figures.rounds++;
    const known = this.faults.length;
    this.note = (fault) => { this.faults.push(`${name}: ${fault}`); };
    try {
      await run(this);
      await this.endHere();
    } catch (error) {
      this.note(error instanceof Hung ? `hung: ${error.message}` : `lost: ${error instanceof Error ? error.message : String(error)}`);
    }
    for (const studio of this.studios) {
      this.figures.peakMb = Math.max(this.figures.peakMb, studio.peakMb);
      if (studio.peakMb > MOST_MB) this.note(`large: it held ${studio.peakMb.toFixed(0)} MB`);
      if (studio.isAlive) await studio.kill().catch(() => {});
    }
    this.studios = [];
    if (this.faults.length > known) this.moveOn();      // so that each is told once
  }

  /** Lets all that was asked for be done, closes what is open, and looks whether every promise was kept. */
  async endHere(): Promise<void> {
    await this.untilDone(this.studios.findLast(({ isAlive }) => isAlive) ?? await this.start());
    for (const studio of this.studios) if (studio.isAlive && await studio.close() !== 0) this.note(`lost: it did not close in peace: ${studio.host.said.err.slice(-300)}`);
    for (const fault of this.ledger.faultsIn(this.dataDir)) this.note(fault);
  }

  async start(surroundings?: Surroundings): Promise<Studio> { return this.keep(await Studio.start(this.host, this.dataDir, surroundings)); }
  begin(surroundings?: Surroundings): Studio { return this.keep(Studio.begin(this.host, this.dataDir, surroundings)); }

  async kill(studio: Studio): Promise<void> {
    this.figures.kills++;
    await studio.kill();
  }

  /** Asks for a picture; what was acknowledged is promised. undefined when there was no answer, or a refusal. */
  async enqueue(studio: Studio, prompt: string, how: Promised = 'made', more: object = {}): Promise<string | undefined> {
    const request = { files: { model: await this.modelOf(studio) }, prompt, seed: this.random.below(1e6), steps: 4, sampler: 'euler', schedule: 'normal', cfg: 4, width: 64, height: 64, ...more };
    const jobs = await studio.tell<JobView[]>('queue.enqueue', request).catch(() => []);
    for (const { id } of jobs) this.ledger.promise(id, how);
    this.figures.jobs += jobs.length;
    return jobs[0]?.id;
  }

  /** Waits until nothing waits or runs, of what another studio had promised and is taken up when that is gone, too. */
  async untilDone(studio: Studio): Promise<void> {
    const endedAt = async (id: string): Promise<number | null | undefined> => (await studio.ask<JobView>('queue.get', { id }).catch(() => undefined))?.endedAt;
    for (const end = Date.now() + DONE_MS; ;) {
      const { jobs } = await studio.ask<{ jobs: JobView[] }>('queue.list', { limit: 200 }), promised = await this.ledger.unended(endedAt);
      if (jobs.every(({ endedAt: at }) => at !== null) && promised === 0) return;
      if (Date.now() > end) throw new Hung(`jobs: ${Math.max(promised, jobs.filter(({ endedAt: at }) => at === null).length)} have not ended`);
      await sleep(100);
    }
  }

  leave(): void {
    this.host.killAll();
    for (const folder of this.folders) rmSync(folder, { recursive: true, force: true });
  }

  private model: string | undefined;
  private async modelOf(studio: Studio): Promise<string> {
    return this.model ??= (await studio.ask<{ id: string }[]>('models.list'))[0]!.id;
  }

  private keep(studio: Studio): Studio {
    this.studios.push(studio);
    return studio;
  }
}
