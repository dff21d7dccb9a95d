// The worker's process as its host sees it: the seam where Node's child process (fork.ts) and Electron's utility process are alike.
import type { FromWorker, Port, ToWorker } from '../../worker/protocol';

export interface WorkerExit { readonly code: number | null; readonly signal: string | null }

export interface WorkerChild {
  readonly pid: number | undefined;
  readonly port: Port<ToWorker, FromWorker>;
  /** False when it is dead already. */
  kill(): boolean;
  onStderr(listener: (text: string) => void): void;
  /** Exactly once, also when the process could not be started; its last words have been heard by then. */
  onExit(listener: (exit: WorkerExit) => void): void;
}
export type SpawnWorker = (entry: string) => WorkerChild;
