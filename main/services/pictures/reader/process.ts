// One process that reads pictures, from its start to its death.
import { AppError } from '../../../engine/errors';
import type { Child, ChildExit } from '../../workers/spawn';
import type { Answers, FromReader, ToReader } from './protocol';

export interface Death extends ChildExit {
  /** The last that it wrote to stderr. */
  readonly stderr: string;
}

export type End =
  | { readonly type: 'answer'; readonly answer: Answers[keyof Answers] }
  | { readonly type: 'refused'; readonly error: AppError }
  /** `began`: it had the question. */
  | { readonly type: 'died'; readonly began: boolean; readonly death: Death }
  /** It was killed for it. */
  | { readonly type: 'late'; readonly began: boolean };

const STDERR_TAIL = 4_096;

export class ReaderProcess {
  readonly gone: Promise<Death>;
  private readonly child: Child<ToReader, FromReader>;
  private readonly ready: Promise<void>;
  private stderr = '';
  private alive = true;
  private hear: (said: FromReader) => void = () => {};

  constructor(child: Child<ToReader, FromReader>) {
    this.child = child;
    child.onStderr((text) => { this.stderr = (this.stderr + text).slice(-STDERR_TAIL); });
    this.ready = new Promise((resolve) => {
      child.port.onMessage((said) => { if (said.type === 'ready') resolve(); else this.hear(said); });
    });
    this.gone = new Promise((resolve) => {
      child.onExit((exit) => {
        this.alive = false;
        resolve({ ...exit, stderr: this.stderr });
      });
    });
  }

  get pid(): number | undefined { return this.child.pid; }
  get isAlive(): boolean { return this.alive; }

  kill(): void {
    this.alive = false;
    this.child.kill();
  }

  /** One at a time. */
  ask(question: ToReader, mostSeconds: number): Promise<End> {
    return new Promise((resolve) => {
      let began = false;
      const end = (how: End) => { clearTimeout(timeout); resolve(how); };
      const timeout = setTimeout(() => { this.kill(); end({ type: 'late', began }); }, mostSeconds * 1000);
      this.hear = (said) => {
        if (said.type === 'began') began = true;
        else if (said.type === 'answer') end(said);
        else if (said.type === 'refused') end({ type: 'refused', error: AppError.fromInfo(said.error) });
      };
      void this.gone.then((death) => end({ type: 'died', began, death }));
      void this.ready.then(() => this.child.port.post(question));
    });
  }
}
