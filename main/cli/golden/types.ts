// What a golden case reports, and what a checker of one kind of case is.

export interface Check {
  /** e.g. 'a.eps' or 'k.euler.karras10'. */
  check: string;
  status: 'passed' | 'failed' | 'unsupported';
  /** Largest error in the tolerance's own measure; null where equality is asked for or nothing ran. */
  error: number | null;
  tolerance: number | null;
  /** Why it failed or is unsupported, or what differed. */
  note?: string;
}

export interface CaseFolder {
  /** The folder's name, e.g. 'unet_sd15_tiny'. */
  readonly name: string;
  readonly path: string;
  /** Parsed case.json. */
  readonly config: Record<string, any>;   // eslint-disable-line @typescript-eslint/no-explicit-any -- each case has its own form
}

/** A checker yields one Check per thing compared, each as soon as it is known. */
export type Checker = (folder: CaseFolder) => AsyncIterable<Check>;
