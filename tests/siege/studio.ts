// One studio under siege, as a process: what it is asked, how large it grows, and how it ends. Every wait has its end, after which the studio hangs.
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host, HostPackage, Surroundings } from '../support/host';

/** Within which a studio on a busy machine starts, answers, and closes. */
const START_MS = 90_000, CLOSE_MS = 60_000;
const ANSWER_MS = 30_000;
const LOOK_MS = 250;

export class Hung extends Error {}

export interface Answer { readonly status: number; readonly text: string }
interface Sent { readonly method?: string; readonly body?: Buffer | string; readonly headers?: Record<string, string> }

export class Studio {
  readonly host: Host;
  private readonly dataDir: string;
  private port = 0;
  private secret = '';
  private peak = 0;
  private looking: NodeJS.Timeout | undefined;

  private constructor(host: Host, dataDir: string) {
    this.host = host;
    this.dataDir = dataDir;
    this.looking = setInterval(() => this.look(), LOOK_MS).unref();
  }

  /** Begins to start one; `ready` says when it answers. */
  static begin(host: HostPackage, dataDir: string, surroundings: Surroundings = {}): Studio {
    return new Studio(host.startUnder(surroundings, '--port', '0', '--data-dir', dataDir), dataDir);
  }

  static async start(host: HostPackage, dataDir: string, surroundings: Surroundings = {}): Promise<Studio> {
    const studio = Studio.begin(host, dataDir, surroundings);
    if (!await studio.ready()) throw new Error(`it did not start: ${studio.host.said.err.slice(-500)}`);
    return studio;
  }

  /** false when it ended instead. */
  async ready(): Promise<boolean> {
    const url = await within(Promise.race([this.host.url, this.host.exit.then(() => null)]), START_MS, 'start');
    if (url === null) return false;
    this.port = Number(new URL(url).port);
    this.secret = readFileSync(join(this.dataDir, 'server-secret'), 'utf8');
    return true;
  }

  get pid(): number { return this.host.child.pid!; }
  get isAlive(): boolean { return this.host.child.exitCode === null && this.host.child.signalCode === null; }
  get address(): { port: number; secret: string } { return { port: this.port, secret: this.secret }; }

  /** Greatest resident size that was seen, in MB; 0 where there is no /proc. */
  get peakMb(): number {
    this.look();
    return this.peak;
  }

  send(path: string, { method = 'GET', body, headers = {} }: Sent = {}): Promise<Answer> {
    const answer = new Promise<Answer>((resolve, reject) => {
      const sent = { authorization: `Bearer ${this.secret}`, ...(typeof body === 'string' && { 'content-type': 'application/json' }), ...headers };
      const request = httpRequest({ host: '127.0.0.1', port: this.port, path, method, headers: sent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; }).on('end', () => resolve({ status: response.statusCode!, text })).on('error', reject);
      });
      request.on('error', reject).end(body);
    });
    return within(answer, ANSWER_MS, path.slice(0, 60));
  }

  /** Throws what is no answer of a procedure. */
  async ask<T>(procedure: string, input?: unknown): Promise<T> {
    const { status, text } = await this.send(`/trpc/${procedure}${input === undefined ? '' : `?input=${encodeURIComponent(JSON.stringify(input))}`}`);
    return resultOf(procedure, status, text);
  }

  async tell<T>(procedure: string, input: unknown = {}): Promise<T> {
    const { status, text } = await this.send(`/trpc/${procedure}`, { method: 'POST', body: JSON.stringify(input) });
    return resultOf(procedure, status, text);
  }

  upload(bytes: Buffer): Promise<Answer> { return this.send('/blobs', { method: 'POST', body: bytes, headers: { 'content-type': 'image/png' } }); }

  /** Of its own processes, by a word of their command line. */
  childrenOf(word: string): number[] {
    try {
      return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
        try {
          return Number(/\) \S+ (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))![1]) === this.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
        } catch {
          return false;
        }
      });
    } catch {
      return [];
    }
  }

  async kill(): Promise<void> {
    this.look();
    this.host.child.kill('SIGKILL');
    await this.gone();
  }

  async gone(): Promise<void> {
    if (this.isAlive) await within(once(this.host.child, 'exit'), CLOSE_MS, 'death');
    clearInterval(this.looking);
  }

  /** As a person ends it. Resolves to its exit code. */
  async close(): Promise<number | null> {
    this.look();
    this.host.child.kill('SIGTERM');
    const code = await within(this.host.exit, CLOSE_MS, 'close').catch(async (error: unknown) => { await this.kill(); throw error; });
    clearInterval(this.looking);
    return code;
  }

  private look(): void {
    try {
      this.peak = Math.max(this.peak, Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))![1]) / 1024);
    } catch { /* no /proc, or it is gone */ }
  }
}

function resultOf<T>(procedure: string, status: number, text: string): T {
  if (status !== 200) throw new Error(`${procedure} answered ${status}: ${text.slice(0, 300)}`);
  return (JSON.parse(text) as { result: { data: T } }).result.data;
}

/** Throws Hung. */
async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  const stop = new AbortController();
  try {
    return await Promise.race([promise, sleep(ms, undefined, { signal: stop.signal, ref: false }).then(() => { throw new Hung(`${what}: nothing for ${ms / 1000} s`); })]);
  } finally {
    stop.abort();
  }
}
