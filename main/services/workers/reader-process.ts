// One process that reads what comes from outside, from its start to its death, and what it is asked: plain data, by structured clone, one thing at a time.
import type { ErrorInfo } from '../../../preload/contract/errors';
import { AppError } from '../../engine/errors';
import type { Trace } from '../../engine/traces';
import type { Child, ChildExit } from './spawn';

/** It ends by itself when it holds more than `mostBytes`. */
export type ToReader<Question> = Question & { readonly mostBytes: number };

export type FromReader<Answer> =
  | { readonly type: 'ready' }
  /** It has the question: from here on its death is that question's doing. */
  | { readonly type: 'began' }
  | { readonly type: 'answer'; readonly answer: Answer }
  | { readonly type: 'refused'; readonly error: ErrorInfo; /** Of a fault of ours. */ readonly trace?: Trace | undefined };

/** Its exit code when it held too much. */
export const OUT_OF_MEMORY = 86;

export interface Death extends ChildExit {
  /** The last that it wrote to stderr. */
  readonly stderr: string;
}

export type End<Answer> =
  | { readonly type: 'answer'; readonly answer: Answer }
  | { readonly type: 'refused'; readonly error: AppError; readonly trace?: Trace | undefined }
  /** `began`: it had the question. */
  | { readonly type: 'died'; readonly began: boolean; readonly death: Death }
  /** It was killed for it. */
  | { readonly type: 'late'; readonly began: boolean };

const STDERR_TAIL = 4_096;

export class ReaderProcess<Question, Answer> {
  readonly gone: Promise<Death>;
  private readonly child: Child<ToReader<Question>, FromReader<Answer>>;
  private readonly ready: Promise<void>;
  private stderr = '';
  private alive = true;
  private hear: (said: FromReader<Answer>) => void = () => {};

  constructor(child: Child<ToReader<Question>, FromReader<Answer>>) {
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
  ask(question: ToReader<Question>, mostSeconds: number): Promise<End<Answer>> {
    return new Promise((resolve) => {
      let began = false;
      const end = (how: End<Answer>) => { clearTimeout(timeout); resolve(how); };
      const timeout = setTimeout(() => { this.kill(); end({ type: 'late', began }); }, mostSeconds * 1000);
      this.hear = (said) => {
        if (said.type === 'began') began = true;
        else if (said.type === 'answer') end(said);
        else if (said.type === 'refused') end({ type: 'refused', error: AppError.fromInfo(said.error), trace: said.trace });
      };
      void this.gone.then((death) => end({ type: 'died', began, death }));
      void this.ready.then(() => this.child.port.post(question));
    });
  }
}
