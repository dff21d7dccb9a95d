// `inspect` of a picture: which program made it, its job in our names, and which models it needs that are not here.
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PictureReport } from '../../preload/contract/picture-report';
import { programNames, samplerLabels, scheduleLabels } from '../../preload/contract/vocabulary';
import { findDataDir } from '../services/data/data-folder';
import { builtInModel } from '../services/models/models';
import { knownModels } from '../services/pictures/local-models';
import type { LocalModel } from '../services/models/which-model';
import { reportOnPicture } from '../services/pictures/report';
import { readTextFile, reportOnText } from '../services/pictures/report-text';
import { packageRoot } from './package-root';

/** By its first bytes, or by its name where these say nothing. A folder or a file that cannot be opened is none. */
export async function isPicture(path: string): Promise<boolean> {
  const start = await firstBytes(path).catch(() => null);
  if (start === null || start[8] === '{') return false;      // a safetensors file whose length looks like one
  return /^(?:\x89PNG\r\n|\xff\xd8\xff|GIF8|RIFF[^]{4}WEBP|[^]{4}ftyp(?:avif|avis|mif1|msf1|heic|heix))/.test(start) || /\.(?:png|jpe?g|webp|avif|gif|tiff?)$/i.test(path);
}

/** The report on one line of JSON, or for people. Throws file.notFound, picture.unreadable. */
export async function inspectPicture(path: string, json: boolean): Promise<string> {
  return show(path, await reportOnPicture(path, await localModels()), json);
}

/** The same for the text or JSON that lies beside a picture. null when the file is none. */
export async function inspectTextFile(path: string, json: boolean): Promise<string | null> {
  const text = await readTextFile(path), report = text === null ? null : reportOnText(text, await localModels());
  return report && show(path, report, json);
}

function localModels(): Promise<LocalModel[]> {
  const root = findDataDir();
  return knownModels({ models: join(root, 'models'), database: join(root, 'atelier.db') }, builtInModel(join(packageRoot(), 'resources')));
}

const show = (path: string, report: PictureReport, json: boolean): string => (json ? JSON.stringify(report) : describePicture(path, report));

async function firstBytes(path: string): Promise<string> {
  if (!(await stat(path)).isFile()) throw new Error('a pipe would be waited for');
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Prompts as they are, the rest as aligned lines; what is unknown is left out. */
function describePicture(path: string, { source, job, missing }: PictureReport): string {
  const rows: [label: string, value: unknown][] = [['file', path], ['made with', source === 'none' ? 'unknown: nothing in it says how it was made' : programNames[source]]];
  if (job) {
    const { prompt, negative, sampler, schedule, width, height, model, loras, extra, notKnown = [], ...rest } = job;
    rows.push(['prompt', prompt], ['negative', negative], ['model', model && `${model.name}${model.hash ? ` [${model.hash}]` : ''}`],
      ['sampler', [sampler && samplerLabels[sampler], schedule && scheduleLabels[schedule]].filter(Boolean).join(', ')], ['size', width && height && `${width}×${height}`],
      ['loras', loras.map(({ name, weight }) => `${name} (${weight})`).join(', ')], ...Object.entries(rest), ['not known', notKnown.map(({ field, node, class: type }) => `${field} (node ${node}, ${type})`).join(', ')], ...Object.entries(extra).map(([key, value]): [string, unknown] => [`  ${key}`, value]));
  }
  for (const { kind, name, hash } of missing) rows.push(['not here', `${kind} ${name}${hash ? ` [${hash}]` : ''}`]);
  return rows.filter(([, value]) => value !== undefined && value !== null && value !== '').map(([label, value]) => `${label.padEnd(14)} ${shown(value)}`).join('\n');
}

function shown(value: unknown): string {
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replace(/\p{Cc}+/gu, ' ');      // a file's own words must not move the cursor
  return text.length > 400 ? `${text.slice(0, 400)}… (${text.length} characters)` : text;
}
