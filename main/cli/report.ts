// `report LORA`: what an adapter is, what it was taught with, what is broken in it, and what it changes of a model.
import { resolve } from 'node:path';
import { familyNames } from '../../preload/contract/vocabulary';
import { AppError } from '../engine/errors';
import { reportLora, type LoraMatch, type LoraReport } from '../services/model-tools/lora-report';
import { helpFor, parseCommand, type Command } from './args';
import { printable } from './inspect';

const command = {
  name: 'report',
  summary: 'Says what a LoRA (or LoCon, LoHa, LoKr, DoRA, IA³, GLoRA, OFT …) is: algorithms, ranks, base, trigger words, training; what is broken; and with --model which layers it changes there and which not.',
  positional: 'LORA',
  flags: {
    model: { kind: 'text', value: 'FILE', help: 'a checkpoint or diffusers folder that it is to be put on' },
    json: { kind: 'switch', help: 'one line of JSON' },
  },
} as const satisfies Command;

/** Exit code 1 where something is broken, or fits nothing of the model. Throws file.*, weights.*, lora.changesNothing. */
export async function runReport(args: string[]): Promise<number> {
  const { values, positional, help } = parseCommand(command, args);
  if (help) return print(helpFor(command));
  if (positional === undefined) throw new AppError('usage', { why: 'positional', command: command.name, positional: command.positional });
  const report = await reportLora(resolve(positional), values.model === undefined ? undefined : resolve(values.model));
  print(values.json ? JSON.stringify(report) : describe(report));
  return report.broken.length > 0 || (report.match && report.match.applied === 0) ? 1 : 0;
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

const NOT_KNOWN = 'not known', NOT_SAID = 'not said', SHOWN = 10;
const label = (family: string | null): string => (family === null ? NOT_KNOWN : familyNames[family]?.label ?? family);
const counts = (each: Readonly<Record<string, number>>): string => Object.entries(each).sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} (${count})`).join(', ');
const first = (all: readonly string[]): string => [...all.slice(0, SHOWN), ...(all.length > SHOWN ? [`and ${all.length - SHOWN} more`] : [])].join(', ');

function describe({ file, modules, algorithms, ranks, alphas, family, confidence, base, trainedWords, tags, training, broken, match }: LoraReport): string {
  const rows: (readonly [string, string])[] = [
    ['file', file], ['modules', `${modules}: ${counts(algorithms)}`], ['rank', counts(ranks) || 'none'], ['alpha', counts(alphas) || 'none, so that each counts in full'],
    ['made for', family === null ? NOT_KNOWN : `${label(family)} (${Math.round(confidence * 100)} % sure)`], ['trained on', base ?? NOT_SAID], ['trigger words', trainedWords.join(', ') || NOT_SAID],
    ...(tags.length > 0 ? [['tags', tags.map(([tag, times]) => `${tag} ×${times}`).join(', ')] as const] : []),
    ...Object.entries(training),
    ['broken', broken.length === 0 ? 'nothing' : ''], ...broken.slice(0, SHOWN).map(({ layer, why }): [string, string] => ['', `${layer}: ${words[why]}`]), ...(broken.length > SHOWN ? [['', `and ${broken.length - SHOWN} more`] as const] : []),
    ...(match ? matchRows(match, modules, family) : []),
  ];
  return rows.map(([name, value]) => `${name.padEnd(24)} ${value}`.trimEnd()).map(printable).join('\n');
}

const words = { half: 'a half of its pair is missing', rank: 'it has no rank', notFinite: 'it holds NaN or infinity', misfit: 'its parts do not fit each other' } as const;

function matchRows({ model, family, applied, blocks, unmatched, misfits }: LoraMatch, modules: number, own: string | null): [string, string][] {
  return [
    ['on the model', `${model} (${label(family)}${own !== null && family !== null && own !== family ? ', another family than the one that it was made for' : ''})`], ['changes', `${applied} of its ${modules} modules fit`],
    ...(Object.keys(blocks).length > 0 ? [['blocks', Object.entries(blocks).map(([block, count]) => `${block} ${count}`).join(', ')] as [string, string]] : []),
    ['no such layer', unmatched.length === 0 ? 'none' : `${unmatched.length}: ${first(unmatched)}`],
    ['another shape', misfits.length === 0 ? 'none' : `${misfits.length}: ${first(misfits.map(({ layer, got, want }) => `${layer} [${got.map((dims) => dims.join('×')).join('] [')}] on [${want.join('×')}]`))}`],
  ];
}
