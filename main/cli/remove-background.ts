// `remove-background PICTURE|FOLDER`: what a picture shows, with a soft edge on nothing. Results go to stdout.
import { AppError } from '../engine/errors';
import { cutOut } from '../engine/vision/cutout';
import { decodePicture } from '../files/decode-picture';
import { encodeCutout } from '../services/pictures/encode';
import { helpFor, parseCommand, type Command } from './args';
import { changePictures } from './change-pictures';
import { networkFlags, withNetwork } from './with-network';

const command = {
  name: 'remove-background',
  summary: 'Cuts out what a picture shows, or each picture in a folder, by a matting network of yours (U²-Net, ISNet, RMBG, BiRefNet, MODNet).',
  positional: 'PICTURE|FOLDER',
  flags: {
    ...networkFlags,
    'keep-colours': { kind: 'switch', help: "leave the background's colour in the soft edge" },
    out: { kind: 'text', value: 'FILE|FOLDER', help: 'the new .png, or a folder for it' },
    json: { kind: 'switch', help: 'one line of JSON' },
  },
} as const satisfies Command;

/** Exit code 0; 1 where a picture of a folder could not be read. Throws onnx.*, picture.unreadable, usage. */
export async function runRemoveBackground(args: string[]): Promise<number> {
  const { values, positional: path, help } = parseCommand(command, args);
  if (help) {
    process.stdout.write(`${helpFor(command)}\n`);
    return 0;
  }
  if (values.network === undefined) throw new AppError('usage', { why: 'missing', flag: '--network', example: 'u2net.onnx' });
  return withNetwork(command.name, 'matting', values.network, values.contract, (network) => changePictures(command.name, path, values.out, async (source) => {
    const picture = await decodePicture(source), made = cutOut(picture, (await network.find(picture)).data, !values['keep-colours']);
    return { ...made, png: await encodeCutout(made) };
  }), values.json);
}
