// The worker's end of its port. The host decides what it is: Node's IPC under the server and the terminal, Electron's `process.parentPort`
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

/** The way to this process's host. */
export function portToHost(process: IpcProcess & { readonly parentPort?: ParentPort | undefined }): WorkerPort {
  return process.parentPort ? parentPort(process.parentPort) : ipcPort(process);
}

const ipcPort = (process: IpcProcess): WorkerPort => ({
  post: (message) => { process.send?.(message); },
  onMessage: (listener) => { process.on('message', (message) => listener(message as ToWorker)); },
  onClose: (listener) => { process.once('disconnect', listener); },
});

const parentPort = (port: ParentPort): WorkerPort => ({
  post: (message) => port.postMessage(message),
  onMessage: (listener) => { port.on('message', ({ data }) => listener(data as ToWorker)); },
  onClose: (listener) => { port.once('close', listener); },
});
