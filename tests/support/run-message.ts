// What the worker is sent with a job, from the paths that a test names.
import type { RunMessage } from '../../main/worker/protocol';

export interface JobPaths {
  readonly modelPath: string; readonly refinerPath?: string; readonly vaePath?: string; readonly textEncoderPaths?: readonly string[];
  readonly initPath?: string; readonly maskPath?: string; readonly depthPath?: string; readonly referencePath?: string;
  readonly previewPath?: string; readonly embeddingsPath?: string;
  readonly controls?: readonly { readonly path: string; readonly image: string; readonly mask?: string }[];
}

export const runPaths = ({ modelPath, refinerPath, vaePath, textEncoderPaths, initPath, maskPath, depthPath, referencePath, controls, ...more }: JobPaths): Omit<RunMessage, 'type' | 'id' | 'job'> => ({
  sparing: false, keepMs: 5000,
  files: { model: modelPath, refiner: refinerPath, vae: vaePath, textEncoders: textEncoderPaths && [...textEncoderPaths], controls: controls?.map(({ path }) => path) },
  pictures: { init: initPath, mask: maskPath, depth: depthPath, reference: referencePath, controls }, ...more,
});
