// A child's end of its port. The host decides what it is: Node's IPC under the server and the terminal, Electron's `process.parentPort`
// in the desktop app.
import type { FromWorker, Port, ToWorker } from './protocol';

export type WorkerPort = Port<FromWorker, ToWorker>;

/** What Node gives a process that was made by `fork`. */
export interface IpcProcess {
  send?: ((message: unknown) => unknown) | undefined;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
}
/** What Electron gives a utility process. */
export interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** The way to this process's host: the worker's, where nothing else is said. */
export function portToHost<Out = FromWorker, In = ToWorker>(process: IpcProcess & { readonly parentPort?: ParentPort | undefined }): Port<Out, In> {
  return process.parentPort ? parentPort(process.parentPort) : ipcPort(process);
}

const ipcPort = <Out, In>(process: IpcProcess): Port<Out, In> => ({
  post: (message) => { process.send?.(message); },
  onMessage: (listener) => { process.on('message', (message) => listener(message as In)); },
  onClose: (listener) => { process.once('disconnect', listener); },
});

const parentPort = <Out, In>(port: ParentPort): Port<Out, In> => ({
  post: (message) => port.postMessage(message),
  onMessage: (listener) => { port.on('message', ({ data }) => listener(data as In)); },
  onClose: (listener) => { port.once('close', listener); },
});
