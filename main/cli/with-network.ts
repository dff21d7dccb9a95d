// Commands that run a network of the user's (ONNX) over pictures.
import type { AnnotatorTask } from '../../preload/contract/annotators';
import { openUserNetwork, type UserNetwork } from '../worker/user-network';
import type { Flag } from './args';
import { reportChanged, type Changed } from './change-pictures';

export const networkFlags = {
  network: { kind: 'text', value: 'FILE', help: 'an .onnx file for depth, normals, lines, soft edges or matting' },
  contract: { kind: 'text', value: 'NAME|FILE', help: 'what it takes and gives, where its name does not tell: one of the catalogue, or a .json file' },
} as const satisfies Readonly<Record<string, Flag>>;

/** Says on stderr what the file was taken for, where that is a guess. The exit code. Throws onnx.*, and what `work` throws. */
export async function withNetwork(command: string, task: AnnotatorTask, path: string, stated: string | undefined, work: (network: UserNetwork) => Promise<Changed>, json: boolean): Promise<number> {
  const network = await openUserNetwork(path, task, stated);
  try {
    if (network.agreed.name !== null) process.stderr.write(`${command}: ${path} is taken for ${network.agreed.name}, by its name; --contract says otherwise.\n`);
    return reportChanged(await work(network), json);
  } finally {
    await network.close();
  }
}
