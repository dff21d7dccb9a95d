// `golden [DIR]`: finds reference cases, gives each to the checker of its kind, and says how far off the engine is.
import { access, readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../engine/errors';
import { helpFor, parseCommand, type Command } from './args';
import type { CaseFolder, Check, Checker } from './golden/types';
import { packageRoot } from './package-root';

/** Where the networks run. On a GPU only the U-Net is compared, which has every operation. */
const providers = ['cpu', 'webgpu'] as const;
type Provider = (typeof providers)[number];

/** Kinds by the beginning of a folder's name. What no entry names is unsupported. */
const checkers: readonly (readonly [prefix: string, load: (provider: Provider) => Promise<Checker>])[] = [
  ['tokenizer', async () => (await import('./golden/tokenizer')).tokenizer],
  ['prompt', async () => (await import('./golden/prompt')).prompt],
  ['rng', async () => (await import('./golden/rng')).rng],
  ['samplers', async () => (await import('./golden/samplers')).samplers],
  ['clip_l', async () => (await import('./golden/networks')).checkClip],
  ['open_clip', async () => (await import('./golden/networks')).checkOpenClip],
  ['unet_', async (provider) => (await import('./golden/networks')).checkUnet(provider)],
  ['vae_', async () => (await import('./golden/networks')).checkVae],
  ['taesd_', async () => (await import('./golden/networks')).checkTaesd],
  ['esrgan_', async () => (await import('./golden/upscalers')).checkUpscalers],
  ['swinir_', async () => (await import('./golden/upscalers')).checkUpscalers],
  ['lora', async () => (await import('./golden/lora')).checkLora],
  ['controlnet', async () => (await import('./golden/control')).checkControlNet],
  ['ip_adapter', async () => (await import('./golden/control')).checkIpAdapter],
  ['clip_vision', async () => (await import('./golden/control')).checkClipVision],
  ['t2i_adapter', async () => (await import('./golden/control')).checkT2iAdapter],
  ['pipeline', async () => (await import('./golden/pipeline')).checkPipeline],
];

const command = {
  name: 'golden',
  summary: 'Compares the engine with reference results. DIR holds folders with a case.json; the cases that come with Atelier are the default.',
  positional: '[DIR]',
  flags: {
    only: { kind: 'text', value: 'NAME', help: 'only the cases whose name begins with NAME' },
    provider: { kind: 'text', value: 'NAME', help: 'where the U-Nets run', choices: providers },
    json: { kind: 'switch', help: 'one JSON object on stdout, with every check' },
  },
} as const satisfies Command;

interface CaseResult { readonly name: string; readonly checks: readonly Check[] }

/** Exit code 1 when a check failed. What is unsupported is listed as such and never counts as passed. */
export async function runGolden(args: string[]): Promise<number> {
  const { values, positional, help } = parseCommand(command, args);
  if (help) {
    process.stdout.write(`${helpFor(command)}\n`);
    return 0;
  }
  const provider = (values.provider ?? 'cpu') as Provider;
  const results: CaseResult[] = [];
  for (const path of await findCases(resolve(positional ?? join(packageRoot(), 'tests/golden/cases')), values.only)) {
    const result = await runCase(path, (name) => loadChecker(name, provider));
    results.push(result);
    if (!values.json) process.stdout.write(`${describeCase(result)}\n`);
  }
  const report = reportOf(results);
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `\n${report.passed} passed, ${report.failed} failed, ${report.unsupported} unsupported\n`);
  return report.failed > 0 ? 1 : 0;
}

/** The report of `--json`: one entry a check. */
export function reportOf(results: readonly CaseResult[]) {
  const cases = results.flatMap(({ name, checks }) => checks.map((check) => ({ case: name, ...check })));
  const count = (status: Check['status']): number => cases.filter((check) => check.status === status).length;
  return { passed: count('passed'), failed: count('failed'), unsupported: count('unsupported'), cases };
}

/** Folders with a case.json, by name: DIR's, or DIR itself. Throws file.notFound when there is none. */
export async function findCases(folder: string, only?: string): Promise<string[]> {
  const entries = await readdir(folder).catch((cause: unknown) => {
    throw new AppError('folder.noCases', { folder }, { cause });
  });
  if (entries.includes('case.json')) return [folder];
  const found: string[] = [];
  for (const name of entries.sort()) {
    if (await access(join(folder, name, 'case.json')).then(() => true, () => false)) found.push(name);
  }
  if (found.length === 0) throw new AppError('folder.noCases', { folder });
  const chosen = found.filter((name) => name.startsWith(only ?? ''));
  if (chosen.length === 0) throw new AppError('usage', { why: 'cases', prefix: only ?? '', folder, names: found });
  return chosen.map((name) => join(folder, name));
}

/** Never throws: a checker that does has failed, and so has one that checks nothing. */
export async function runCase(path: string, load: (name: string) => Promise<Checker> | undefined = loadChecker): Promise<CaseResult> {
  const name = path.split(/[\\/]/).at(-1)!;
  const checks: Check[] = [];
  try {
    const checker = await load(name);
    if (!checker) return { name, checks: [{ check: 'all', status: 'unsupported', error: null, tolerance: null, note: 'no checker for this kind of case yet' }] };
    const config = JSON.parse(await readFile(join(path, 'case.json'), 'utf8')) as CaseFolder['config'];
    for await (const check of checker({ name, path, config })) checks.push(check);
    if (checks.length === 0) throw new Error('nothing in this case was checked');
  } catch (error) {
    checks.push({ check: 'run', status: 'failed', error: null, tolerance: null, note: error instanceof Error ? error.message : String(error) });
  }
  return { name, checks };
}

function loadChecker(name: string, provider: Provider = 'cpu'): Promise<Checker> | undefined {
  if (provider !== 'cpu' && !name.startsWith('unet_')) return undefined;
  return checkers.find(([prefix]) => name.startsWith(prefix))?.[1](provider);
}

/** One line a case; what failed and what is unsupported is spelled out below it. */
export function describeCase({ name, checks }: CaseResult): string {
  if (checks.length === 1 && checks[0]?.status === 'unsupported') return `unsupported ${name.padEnd(18)} ${checks[0].note ?? ''}`;
  const inState = (status: Check['status']): Check[] => checks.filter((check) => check.status === status);
  const [passed, failed, unsupported] = [inState('passed'), inState('failed'), inState('unsupported')];
  const verdict = failed.length > 0 ? 'FAILED' : passed.length > 0 ? 'passed' : 'unsupported';
  const counts = [`${passed.length} passed`, ...(failed.length ? [`${failed.length} failed`] : []), ...(unsupported.length ? [`${unsupported.length} unsupported`] : [])];
  const worst = worstOf(checks);
  const errors = worst ? `  largest error ${show(worst.error)} of ${show(worst.tolerance)} (${worst.check})` : '';
  const details = [
    ...failed.map((check) => `    failed ${check.check}: ${[check.error === null ? '' : `error ${show(check.error)}, tolerance ${show(check.tolerance)}`, check.note].filter(Boolean).join('; ')}`),
    ...(unsupported.length ? [`    unsupported: ${unsupported.map(({ check }) => check).join(', ')}`] : []),
  ];
  return [`${verdict.padEnd(11)} ${name.padEnd(18)} ${counts.join(', ')}${errors}`, ...details].join('\n');
}

/** The check that used most of its tolerance. */
function worstOf(checks: readonly Check[]): Check | undefined {
  const share = ({ error, tolerance }: Check): number => (error ?? 0) / (tolerance || Number.MIN_VALUE);
  return checks.filter((check) => check.error !== null && check.tolerance !== null && check.status !== 'unsupported').sort((a, b) => share(b) - share(a))[0];
}

const show = (value: number | null): string => (value === null ? 'none' : value === 0 ? '0' : value.toExponential(1));
