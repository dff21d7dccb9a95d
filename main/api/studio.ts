// What the router needs of the studio, in the contract's terms alone. `main/services` implements it; both hosts serve it.
import type { JobRequest, JobSpec, JobView, QueueEvent } from '../../preload/contract/job';
import type { ModelEntry, ModelReport } from '../../preload/contract/model';
import type { PicturePage, PictureRecord } from '../../preload/contract/picture';
import type { PictureReading } from '../../preload/contract/picture-report';
import type { Estimate, EstimateRequest, MachineInfo, PromptStyle, Settings } from '../../preload/contract/studio';

/** Structural part of AbortSignal, so that this layer needs no host types. */
export interface Signal { readonly aborted: boolean; addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void }

export interface Studio {
  machine(): Promise<MachineInfo>;
  estimate(request: EstimateRequest): Promise<Estimate>;

  models: {
    list(): Promise<ModelEntry[]>;
    /** VAEs, TAESDs and text encoders, which jobs may use in place of a model's own. */
    parts(): Promise<ModelEntry[]>;
    /** Looks through all model folders again. */
    refresh(): Promise<ModelEntry[]>;
    /** Adds a folder (its models are listed in place) or a single file. Throws file.notFound, weights.*. Returns what was added. */
    add(path: string): Promise<ModelEntry[]>;
    inspect(id: string): Promise<ModelReport>;
  };
  pictures: {
    /** What an uploaded picture says of itself, whatever program made it, and how to ask for one like it. Throws picture.notFound, picture.unreadable. */
    read(blob: string): Promise<PictureReading>;
    /** The same of a job of our own. */
    readJob(job: JobSpec): Promise<PictureReading>;
  };
  queue: {
    list(): JobView[];
    /** Stored before it is acknowledged. One job per picture. Throws model.notFound, job.invalid. */
    enqueue(request: JobRequest): Promise<JobView[]>;
    /** Takes effect within two seconds, at once when it waits. */
    cancel(ids: string[]): Promise<void>;
    events(signal: Signal): AsyncIterable<QueueEvent>;
  };
  library: {
    /** Newest first; `before` is a `next` from an earlier page. */
    page(request: { before: number | null; limit: number }): Promise<PicturePage>;
    get(id: string): Promise<PictureRecord>;
    /** Moves the file into the library's trash and forgets the record. */
    remove(id: string): Promise<void>;
  };
  /** Named texts for prompts (styles.csv), as they are now. */
  styles: { list(): Promise<PromptStyle[]> };
  settings: { get(): Promise<Settings>; set(patch: Partial<Settings>): Promise<Settings> };
}
