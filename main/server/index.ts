// The server host: the studio over HTTP for a browser on this machine. Prints one line with an address that lets a browser in.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { ErrorInfo } from '../../preload/contract/errors';
import { AppError, detailOf, toAppError } from '../engine/errors';
import { onStopSignal } from '../services/stop-signal';
import { createStudio, type LocalStudio } from '../services/studio';
import { watchFatal } from '../services/log/fatal';
import { openLog, type Log } from '../services/log/log';
import { findDataDir } from '../services/data/data-folder';
import { languageIn } from '../services/data/language';
import { errorText, speak } from '../words';
import { openBrowser } from './open-browser';
import { DEFAULT_PORT, listenOnFree } from './port';
import { serverSecret } from './secret';
import { serve, type StudioServer } from './serve';

/** Two folders above both the source and the bundle: main/server/…, out/main/…. */
const root = fileURLToPath(new URL('../..', import.meta.url));

const tell = (info: ErrorInfo): void => { process.stderr.write(errorText(info)); };

try {
  await run(readFlags(process.argv.slice(2)));
} catch (error) {
  tell(toAppError(error).info);
  process.exit(1);
}

async function run(flags: Flags): Promise<void> {
  await speak(await languageIn(findDataDir(flags.dataDir)));
  const log = openLog(findDataDir(flags.dataDir), 'server', { tell });
  watchFatal(log);
  await open(flags, log).catch((error: unknown) => {
    log.error('server.notStarted', { error });
    throw error;
  });
}

async function open(flags: Flags, log: Log): Promise<void> {
  const studio = await createStudio({ dataDir: flags.dataDir, resume: true, log, tell });
  const server = await listen(studio, flags.port).catch(async (error: unknown) => {
    await studio.close();
    throw error;
  });
  const moved = flags.port === null && server.port !== DEFAULT_PORT ? ` (port ${DEFAULT_PORT} is in use)` : '';
  say(`Atelier is at ${server.newAddress()}${moved}`);
  if (flags.open) openBrowser(server.newAddress());

  onStopSignal(() => void server.close().then(() => studio.close()).then(() => process.exit(0)));
}

async function listen(studio: LocalStudio, port: number | null): Promise<StudioServer> {
  const { secret, notice } = await serverSecret(studio.dataDir);
  if (notice) tell(notice);
  const onKnock = (address: string) => say(`A window asks to come in. If it is yours, open ${address}`);
  return listenOnFree(port, (free) => serve({ studio, port: free, secret, rendererDir: join(root, 'out/renderer'), onKnock }));
}

function say(line: string): void { process.stdout.write(`${line}\n`); }

interface Flags { readonly port: number | null; readonly dataDir: string | undefined; readonly open: boolean }

/** Throws usage naming the flag. `--server` is what chose this host, and says nothing more here. */
function readFlags(args: string[]): Flags {
  const { values } = readArgs(args);
  const port = values.port === undefined ? null : Number(values.port);
  if (port !== null && !(Number.isInteger(port) && port >= 0 && port < 65_536)) {
    throw new AppError('usage', { why: 'port', value: values.port! });
  }
  return { port, dataDir: values['data-dir'], open: !values['no-open'] };
}

function readArgs(args: string[]) {
  try {
    return parseArgs({ args, options: { port: { type: 'string' }, 'data-dir': { type: 'string' }, 'no-open': { type: 'boolean' }, server: { type: 'boolean' } } });
  } catch (cause) {
    throw new AppError('usage', { why: 'server', detail: detailOf(cause) }, { cause });
  }
}
