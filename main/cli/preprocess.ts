// `preprocess NAME PICTURE|FOLDER`: control pictures out of pictures. Results go to stdout, what is wrong with single pictures of a folder to stderr.
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { AnnotatorTask } from '../../preload/contract/annotators';
import { RESOLUTION, findPreprocessor, preprocessorNames, preprocessorOf, type PreprocessorUse } from '../../preload/contract/preprocessors';
import { AppError } from '../engine/errors';
import { asPicture } from '../engine/vision/networks/network';
import { drawPosesOf, writePoses } from '../engine/vision/openpose-json';
import type { Picture } from '../engine/vision/picture';
import { preprocess, preprocessorNamed, scaledTo } from '../engine/vision/preprocessors';
import { Vision } from '../engine/vision/vision';
import { decodePicture } from '../files/decode-picture';
import { openEmbedded } from '../files/embedded-models';
import { encodePng } from '../services/pictures/encode';
import { ortRuntime } from '../worker/ort-runtime';
import { preprocessorSettingText, preprocessorText } from '../words';
import { helpFor, parseCommand, table, type Command, type Flag } from './args';
import { changePictures, reportChanged } from './change-pictures';
import { writeWhole } from './save-copy';
import { networkFlags, withNetwork } from './with-network';

const settingNames = [...new Set(preprocessorNames.flatMap((name) => preprocessorOf(name).settings.map((setting) => setting.name)))];
const settingFlags = Object.fromEntries(settingNames.map((name): [string, Flag] => [name, { kind: 'number', value: 'N', help: `${preprocessorSettingText(name)} (${usersOf(name)})` }]));

const command = {
  name: 'preprocess',
  summary: 'Makes a control picture, as ControlNets and T2I-Adapters take them, of a picture or of each in a folder; openpose also of the points of a pose (.json). --list shows the names.',
  positional: '[NAME PICTURE|FOLDER]',
  flags: {
    list: { kind: 'switch', help: 'all preprocessors with their settings' },
    res: { kind: 'number', value: 'PX', help: `pixels of the shorter side (${RESOLUTION.value})` },
    ...settingFlags,
    points: { kind: 'switch', help: 'of openpose: the points too, beside the new picture, as OpenPose\'s .json' },
    ...networkFlags,
    out: { kind: 'text', value: 'FILE|FOLDER', help: 'the new .png, or a folder for it' },
    json: { kind: 'switch', help: 'one line of JSON' },
  },
} as const satisfies Command;

/** Exit code 0; 1 where a picture of a folder could not be read. Throws preprocessor.unknown, request.invalid, picture.unreadable, usage. */
export async function runPreprocess(args: string[]): Promise<number> {
  const [name, rest] = args[0] === undefined || args[0].startsWith('-') ? [undefined, args] : [args[0], args.slice(1)];
  const { values, positional: path, help } = parseCommand(command, rest);
  if (help || !values.list && name === undefined) return print(helpFor(command));
  if (values.list) return print(values.json ? JSON.stringify(preprocessorNames.map((known) => ({ name: known, ...preprocessorOf(known) }))) : list());
  if (values.network !== undefined) return await withNetwork(command.name, taskNamed(name!), values.network, values.contract, (network) => changePictures(command.name, path, values.out, async (source) => {
    const picture = await decodePicture(source), made = asPicture(await network.find(values.res === undefined ? picture : scaledTo(picture, values.res)));
    return withPng(made);
  }), values.json);
  if (findPreprocessor(name!) === undefined && AnnotatorTask.safeParse(name).success) throw new AppError('usage', { why: 'missing', flag: '--network', example: 'network.onnx' });
  const given = settingNames.map((setting) => [setting, (values as Readonly<Record<string, unknown>>)[setting]] as const).filter(([, value]) => value !== undefined);
  const use = { name: preprocessorNamed(name!), resolution: values.res, ...Object.fromEntries(given) } as PreprocessorUse;
  if (values.points && use.name !== 'openpose') throw new AppError('usage', { why: 'flag', flag: '--points', command: `${command.name} ${use.name}` });
  const vision = new Vision(ortRuntime(), openEmbedded);
  try {
    return reportChanged(await changePictures(command.name, path, values.out, async (source, to) => {
      if (use.name === 'openpose' && /\.json$/i.test(source)) return withPng(drawPosesOf(await readFile(source, 'utf8')));
      const picture = await decodePicture(source), seen = await vision.seenFor(preprocessorNamed(use.name), picture, basename(source)), made = preprocess(picture, use, undefined, seen);
      if (values.points) await writeWhole(to.replace(/\.png$/i, '.json'), (temp) => writeFile(temp, writePoses({ width: picture.width, height: picture.height, poses: seen.people ?? [] })));
      return withPng(made);
    }), values.json);
  } finally {
    await vision.close();
  }
}

const withPng = async (made: Picture): Promise<Picture & { png: Uint8Array }> => ({ ...made, png: await encodePng(made, []) });

/** By the names of the field's preprocessors: depth_midas, lineart_anime, softedge_hed. Throws usage. */
function taskNamed(name: string): AnnotatorTask {
  const task = AnnotatorTask.options.find((option) => name.toLowerCase().startsWith(option));
  if (task === undefined) throw new AppError('usage', { why: 'choice', flag: '--network', value: name, names: [...AnnotatorTask.options] });
  return task;
}

/** A preprocessor's name, words and settings. */
function list(): string {
  const settingsOf = (name: (typeof preprocessorNames)[number]): string => preprocessorOf(name).settings.map((setting) => `--${setting.name} ${setting.min}–${setting.max} (${setting.value})`).join(', ');
  return table(preprocessorNames.map((name) => [name, [preprocessorText(name), settingsOf(name)].filter(Boolean).join('. ')] as const));
}

function usersOf(setting: string): string {
  return preprocessorNames.flatMap((name) => preprocessorOf(name).settings.filter((one) => one.name === setting).map(({ value }) => `${name} ${value}`)).join(', ');
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
