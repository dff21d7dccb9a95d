// The terminal's commands. Each is loaded when it is asked for; results go to stdout, everything else to stderr.
import { toAppError, type AppError } from '../engine/errors';
import { nearest, table, usageError } from './args';

interface Entry { readonly summary: string; /** Returns the exit code. */ readonly run: (args: string[]) => Promise<number> }

const commands: Readonly<Record<string, Entry>> = {
  generate: { summary: 'make pictures from a prompt', run: async (args) => (await import('./generate')).runGenerate(args) },
  inspect: { summary: 'what a file is: a model (family, precision, hashes, problems) or a picture (how it was made)', run: async (args) => (await import('./inspect')).runInspect(args) },
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
process.exitCode = await run(process.argv.slice(2));

async function run([name, ...args]: string[]): Promise<number> {
  try {
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      process.stdout.write(`${help}\n`);
      return name === undefined ? 1 : 0;
    }
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command) throw unknownCommand(name);
    return await command.run(args);
  } catch (error) {
    report(toAppError(error), args.includes('--json'));
    return 1;
  }
}

function unknownCommand(name: string): AppError {
  const meant = nearest(name, Object.keys(commands));
  return usageError(`${name} is not a command.`, meant ? `Did you mean ${meant}?` : `There are ${Object.keys(commands).join(', ')}.`);
}

function report(error: AppError, json: boolean): void {
  const { code, message, hint } = error;
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message, hint } })}\n`);
  process.stderr.write(`${error.code}: ${error.message}\n${error.hint ? `${error.hint}\n` : ''}`);
  if (error.code === 'internal' && error.cause instanceof Error) process.stderr.write(`${error.cause.stack ?? ''}\n`);
}
