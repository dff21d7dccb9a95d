// `inspect` of an ONNX network: what it takes and gives, and what the catalogue knows of a file of that name.
import { basename } from 'node:path';
import { readOnnxHeader, type OnnxValue } from '../engine/weights/onnx-header';
import { sniffContainer } from '../engine/weights/container';
import { annotatorNamed } from '../files/annotators';
import { withFile } from '../files/weight-file';

/** By its name, or by its first bytes. */
export async function isOnnx(path: string): Promise<boolean> {
  if (/\.onnx$/i.test(path)) return true;
  return withFile(path, async ({ read, sizeBytes }) => sniffContainer(await read(0, Math.min(64, sizeBytes))) === 'onnx').catch(() => false);
}

/** For people, or on one line of JSON. Throws file.*, onnx.unreadable. */
export async function inspectOnnx(path: string, json: boolean): Promise<string> {
  const header = await withFile(path, readOnnxHeader), known = await annotatorNamed(basename(path));
  if (json) return JSON.stringify({ kind: 'onnx', ...header, annotator: known?.id ?? null });
  const rows: [string, string | number][] = [
    ['file', header.path], ['kind', 'ONNX network'], ['made by', header.producer], ['opset', header.opsets[''] ?? ''], ['inputs', header.inputs.map(shown).join(', ')], ['outputs', header.outputs.map(shown).join(', ')],
    ['nodes', header.nodes], ['parameters', header.parameters.toLocaleString('en')], ['weights in', header.external.join(', ')], ['known as', known ? `${known.name} (${known.task}), by its name` : 'none that Atelier knows by its name'],
  ];
  // A file's own words must not move the cursor or colour the terminal.
  return rows.filter(([, value]) => value !== '').map(([label, value]) => `${label.padEnd(14)} ${value}`.replace(/\p{Cc}+/gu, ' ')).join('\n');
}

const types: Readonly<Record<number, string>> = { 1: 'float32', 2: 'uint8', 6: 'int32', 7: 'int64', 9: 'bool', 10: 'float16', 11: 'float64', 16: 'bfloat16' };
const shown = ({ name, type, dims }: OnnxValue): string => `${name} ${types[type] ?? `type ${type}`} [${dims.map((side) => side ?? '?').join(', ')}]`;
