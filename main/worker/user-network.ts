// A session on an ONNX file of the user's. Our own graphs are compiled (ort-runtime.ts); this file goes to the runtime as it is, with its own optimizer.
import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import type { AnnotatorTask } from '../../preload/contract/annotators';
import { AppError } from '../engine/errors';
import type { Picture } from '../engine/vision/picture';
import { fromOutput, imageInputOf, toInput, type Found } from '../engine/vision/networks/network';
import { float32 } from '../engine/tensor';
import { contractFor, openOnnx, type Agreed } from '../files/annotators';
import { toWorkerError } from './ort-runtime';

export interface UserNetwork {
  readonly agreed: Agreed;
  /** Throws onnx.contract, worker.failed, memory.exhausted. */
  find(picture: Picture): Promise<Found>;
  close(): Promise<void>;
}

/** `stated`: the contract, see `contractFor`. Throws file.*, onnx.*, worker.failed, memory.exhausted. */
export async function openUserNetwork(path: string, task: AnnotatorTask, stated?: string): Promise<UserNetwork> {
  const header = await openOnnx(path), input = imageInputOf(header), agreed = await contractFor(header, task, stated), file = header.path;
  const { index } = agreed.contract.output, output = header.outputs.at(index);
  if (!output) throw new AppError('onnx.contract', { why: 'outputs', file, names: header.outputs.map(({ name }) => name) });
  const session = await ort.InferenceSession.create(file, { executionProviders: ['cpu'], intraOpNumThreads: availableParallelism(), logSeverityLevel: 3 })
    .catch((cause: unknown) => { throw toWorkerError(cause, 'open', file); });
  return {
    agreed,
    async find(picture) {
      const { dims, data } = toInput(picture, agreed.contract, input);
      const results = await session.run({ [input.name]: new ort.Tensor('float32', data, dims) }, [output.name]).catch((cause: unknown) => { throw toWorkerError(cause, 'run', file); });
      const value = results[output.name]!;
      if (value.type !== 'float32') throw new AppError('onnx.contract', { why: 'output', file, form: `${value.dims.join('×')}, ${value.type}` });
      return fromOutput(float32(value.dims, value.data as Float32Array), agreed.contract, picture, file);
    },
    close: () => session.release(),
  };
}
