// A process of ours as its host sees it: the seam where Node's child process (fork.ts) and Electron's utility process are alike.
import type { FromWorker, Port, ToWorker } from '../../worker/protocol';

/** `error`: it could not be started. */
export interface ChildExit { readonly code: number | null; readonly signal: string | null; readonly error?: unknown }

/** `To` it, `From` it. */
export interface Child<To, From> {
  readonly pid: number | undefined;
  readonly port: Port<To, From>;
  /** False when it is dead already. */
  kill(): boolean;
  onStderr(listener: (text: string) => void): void;
  /** Exactly once, also when the process could not be started; its last words have been heard by then. */
  onExit(listener: (exit: ChildExit) => void): void;
}
export type Spawn<To, From> = (entry: string) => Child<To, From>;
export type WorkerChild = Child<ToWorker, FromWorker>;
export type SpawnWorker = Spawn<ToWorker, FromWorker>;
