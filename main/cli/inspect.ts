// `inspect FILE`: what is this file. For people by default; with --json the last line is one line of JSON, as the window gets it.
import type { ModelReport } from '../../preload/contract/model';
import { familyNames } from '../../preload/contract/vocabulary';
import { identify } from '../engine/identify/identify';
import { openPictureEmbedding } from '../worker/embeddings/picture';
import { openModel } from '../files/model-folder';
import { hashModel } from '../services/models/file-hashes';
import { problemText } from '../words';
import { helpFor, parseCommand, type Command } from './args';
import { openFolder } from './inspect-folder';
import { inspectOnnx, isOnnx } from './inspect-onnx';
import { inspectPicture, inspectTextFile, isPicture } from './inspect-picture';

const command = {
  name: 'inspect',
  summary: 'Says what a model file, ONNX network or diffusers folder is: kind, family, sizes, precision, hashes, metadata, missing or unexpected tensors. What a picture says of how it was made, or the embedding that it carries.',
  positional: 'FILE',
  flags: {
    json: { kind: 'switch', help: 'one line of JSON' },
    'no-hash': { kind: 'switch', help: 'leave out the hashes, which take about two seconds a gigabyte' },
    prediction: { kind: 'text', value: 'KIND', choices: ['eps', 'v'], help: "what the network's output means, where the file leaves it open" },
  },
} as const satisfies Command;

/** Exit code 0. Throws file.notFound, file.unreadable, weights.*, model.notACheckpoint, picture.unreadable. */
export async function runInspect(args: string[]): Promise<number> {
  const { values, positional: path, help } = parseCommand(command, args);
  if (help || path === undefined) return print(helpFor(command));
  const picture = await isPicture(path), carried = picture && await openPictureEmbedding(path);
  if (picture && !carried) return print(await inspectPicture(path, values.json));
  const beside = picture ? null : await inspectTextFile(path, values.json);
  if (beside !== null) return print(beside);
  if (!picture && await isOnnx(path)) return print(await inspectOnnx(path, values.json));
  const file = carried ? carried.file : await openFolder(path) ?? await openModel(path);
  const identity = identify(file, { prediction: values.prediction as 'eps' | 'v' | undefined });
  const report: ModelReport = { ...identity, hashes: values['no-hash'] ? null : await hashModel(file) };
  return print(values.json ? JSON.stringify({ ...report, problems: report.problems.map((problem) => ({ ...problem, message: problemText(problem) })) }) : describe(file.path, report));
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

/** The report as aligned lines; what is unknown is left out. */
function describe(path: string, report: ModelReport): string {
  const family = report.family && (familyNames[report.family]?.label ?? report.family);
  const rows: [string, string | number | null | undefined][] = [
    ['file', path], ['kind', report.kind], ['family', family], ['variant', report.variant], ['prediction', report.prediction], ['said by', report.predictionFrom], ['terminal SNR', report.zeroTerminalSnr ? 'zero' : null],
    ['algorithm', report.algorithm], ['rank', report.rank], ['modules', report.modules], ['trained words', report.trainedWords?.join(', ')], ['scale', report.scale], ['kinds of control', report.controlKinds],
    ['precision', report.precision], ['parameters', report.parameters.toLocaleString('en')], ['tensors', report.tensors],
    ['size', `${(report.sizeBytes / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} MB`], ['confidence', `${Math.round(report.confidence * 100)} %`],
    ['sha256', report.hashes?.sha256], ['AutoV1', report.hashes?.autov1], ['AutoV2', report.hashes?.autov2], ['AutoV3', report.hashes?.autov3],
    ['runs here', report.runnable ? 'yes' : 'no'],
  ];
  const line = (label: string, value: string | number): string => `${label.padEnd(14)} ${value}`;
  const metadata = Object.entries(report.metadata).map(([key, value]) => `  ${key}: ${value.length > 200 ? `${value.slice(0, 200)}… (${value.length} characters)` : value}`);
  return [
    ...rows.filter(([, value]) => value !== null && value !== undefined && value !== '').map(([label, value]) => line(label, value!)),
    ...(metadata.length > 0 ? ['metadata', ...metadata] : []),
    ...(report.problems.length > 0 ? ['problems', ...report.problems.map((problem) => `  ${problemText(problem)}`)] : ['problems       none']),
  ].map(printable).join('\n');
}

/** A file's own words must not move the cursor or colour the terminal. */
export const printable = (line: string): string => line.replace(/\p{Cc}+/gu, ' ');
