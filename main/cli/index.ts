// The terminal's commands. Each is loaded when it is asked for; results go to stdout, everything else to stderr.
import { statusOf } from '../../preload/contract/errors';
import { AppError, toAppError } from '../engine/errors';
import { findDataDir } from '../services/data/data-folder';
import { languageIn } from '../services/data/language';
import { watchFatal } from '../services/log/fatal';
import { openLog } from '../services/log/log';
import { errorText, speak, wordsOf } from '../words';
import { nearest, table } from './args';

interface Entry { readonly summary: string; /** Returns the exit code. */ readonly run: (args: string[]) => Promise<number> }

const commands: Readonly<Record<string, Entry>> = {
  generate: { summary: 'make pictures from a prompt', run: async (args) => (await import('./generate')).runGenerate(args) },
  upscale: { summary: 'make a picture larger, or all of a folder', run: async (args) => (await import('./upscale')).runUpscale(args) },
  inspect: { summary: 'what a file is: a model (family, precision, hashes, problems) or a picture (how it was made)', run: async (args) => (await import('./inspect')).runInspect(args) },
  report: { summary: 'what a LoRA is, what is broken in it, and what it changes of a model', run: async (args) => (await import('./report')).runReport(args) },
  preprocess: { summary: 'make control pictures: edges, lines, colours', run: async (args) => (await import('./preprocess')).runPreprocess(args) },
  'remove-background': { summary: "cut out what a picture shows, by a network of yours", run: async (args) => (await import('./remove-background')).runRemoveBackground(args) },
  merge: { summary: 'merge two or three checkpoints', run: async (args) => (await import('./tools')).runMerge(args) },
  bake: { summary: 'put LoRAs into a checkpoint', run: async (args) => (await import('./tools')).runBake(args) },
  extract: { summary: 'make a LoRA from the difference of two checkpoints', run: async (args) => (await import('./tools')).runExtract(args) },
  convert: { summary: 'write a model file in another precision, or a .ckpt as .safetensors', run: async (args) => (await import('./tools')).runConvert(args) },
  prune: { summary: 'leave out of a checkpoint what no picture needs', run: async (args) => (await import('./tools')).runPrune(args) },
  golden: { summary: 'compare the engine with reference results', run: async (args) => (await import('./golden')).runGolden(args) },
  bench: { summary: 'measure this machine at SD 1.5, 512×512', run: async (args) => (await import('./bench')).runBench(args) },
};

const help = `npm run atelier -- COMMAND [flags]

${table(Object.entries(commands).map(([name, { summary }]) => [name, summary] as const))}

\`npm run atelier -- COMMAND --help\` shows a command's flags. Every command takes --json.`;

// A reader that closes early (`… | head`) is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
const log = openLog(dataDirIn(process.argv), 'terminal');
watchFatal(log);
process.exitCode = await run(process.argv.slice(2));

async function run([name, ...args]: string[]): Promise<number> {
  try {
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      process.stdout.write(`${help}\n`);
      return name === undefined ? 1 : 0;
    }
    await speak(await languageIn(dataDirIn(args)));
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command) throw unknownCommand(name);
    return await command.run(args);
  } catch (error) {
    report(toAppError(error), args.includes('--json'));
    return 1;
  }
}

function dataDirIn(args: readonly string[]): string { return findDataDir(args.find((_, i) => args[i - 1] === '--data-dir')); }

function unknownCommand(name: string): AppError {
  const meant = nearest(name, Object.keys(commands));
  return new AppError('usage', meant ? { why: 'commandMeant', name, meant } : { why: 'command', name, names: Object.keys(commands) });
}

function report(error: AppError, json: boolean): void {
  if (statusOf(error.code) >= 500) log.error('command.failed', { error });
  if (json) process.stdout.write(`${JSON.stringify({ error: { ...error.info, ...wordsOf(error.info) } })}\n`);
  process.stderr.write(errorText(error.info));
  if (error.code === 'internal' && error.cause instanceof Error) process.stderr.write(`${error.cause.stack ?? ''}\n`);
}
