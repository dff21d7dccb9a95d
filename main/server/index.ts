// The server host: the studio over HTTP for a browser on this machine. Prints one line with the address that lets the browser in.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AppError, toAppError } from '../engine/errors';
import { onStopSignal } from '../services/stop-signal';
import { createStudio } from '../services/studio';
import { openBrowser } from './open-browser';
import { DEFAULT_PORT, listenOnFree } from './port';
import { serve } from './serve';
import { serverToken } from './token';

/** Two folders above both the source and the bundle: main/server/…, out/main/…. */
const root = fileURLToPath(new URL('../..', import.meta.url));

try {
  await run(readFlags(process.argv.slice(2)));
} catch (error) {
  const { message, hint } = toAppError(error);
  process.stderr.write(`${message}\n${hint ? `${hint}\n` : ''}`);
  process.exit(1);
}

async function run(flags: Flags): Promise<void> {
  const studio = await createStudio({ dataDir: flags.dataDir, resume: true });
  const token = await serverToken(studio.dataDir);
  const rendererDir = join(root, 'out/renderer');
  const server = await listenOnFree(flags.port, (port) => serve({ studio, port, token, rendererDir })).catch(async (error: unknown) => {
    await studio.close();
    throw error;
  });
  const moved = flags.port === null && server.port !== DEFAULT_PORT ? ` (port ${DEFAULT_PORT} is in use)` : '';
  process.stdout.write(`Atelier is at ${server.url}${moved}\n`);
  if (flags.open) openBrowser(server.url);

  onStopSignal(() => void server.close().then(() => studio.close()).then(() => process.exit(0)));
}

interface Flags { readonly port: number | null; readonly dataDir: string | undefined; readonly open: boolean }

/** Throws job.invalid naming the flag. `--server` is what chose this host, and says nothing more here. */
function readFlags(args: string[]): Flags {
  const { values } = readArgs(args);
  const port = values.port === undefined ? null : Number(values.port);
  if (port !== null && !(Number.isInteger(port) && port >= 0 && port < 65_536)) {
    throw new AppError('job.invalid', { message: `--port ${values.port} is not a port`, hint: `Give a number up to 65535, for example --port ${DEFAULT_PORT}.` });
  }
  return { port, dataDir: values['data-dir'], open: !values['no-open'] };
}

function readArgs(args: string[]) {
  try {
    return parseArgs({ args, options: { port: { type: 'string' }, 'data-dir': { type: 'string' }, 'no-open': { type: 'boolean' }, server: { type: 'boolean' } } });
  } catch (cause) {
    throw new AppError('job.invalid', { message: (cause as Error).message, hint: 'The flags are --server, --port N, --data-dir DIR and --no-open.', cause });
  }
}
