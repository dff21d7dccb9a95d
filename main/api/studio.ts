// What the router needs of the studio, in the contract's terms alone. `main/services` implements it; both hosts serve it.
import type { AnyJob, CancelMany, JobDetail, JobPage, JobRequest, JobView, QueueEvent, UpscaleRequest } from '../../preload/contract/job';
import type { ModelEntry, ModelReport } from '../../preload/contract/model';
import type { PicturePage, PictureRecord, Removal } from '../../preload/contract/picture';
import type { PictureReading } from '../../preload/contract/picture-report';
import type { ControlPictureRequest, Estimate, EstimateRequest, MachineInfo, PromptLoras, PromptLorasRequest, PromptStyle, Settings } from '../../preload/contract/studio';
import type { ReportRequest, WindowFault } from '../../preload/contract/log';

/** Structural part of AbortSignal, so that this layer needs no host types. */
export interface Signal { readonly aborted: boolean; addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void }

export interface Studio {
  machine(): Promise<MachineInfo>;
  estimate(request: EstimateRequest): Promise<Estimate>;

  models: {
    list(): Promise<ModelEntry[]>;
    /** Files that jobs use beside a model: parts in place of its own, LoRAs, controls, upscalers. */
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
    readJob(job: AnyJob): Promise<PictureReading>;
    /** What a control's network would read, small, as a data URL; without what other networks see in the picture. Throws picture.notFound, picture.unreadable, request.invalid. */
    control(request: ControlPictureRequest): Promise<{ picture: string }>;
  };
  queue: {
    /** Those that ended lately included, in the order in which they came and run. */
    list(): JobView[];
    /** `after`: the `next` of an earlier page. Throws job.notFound when that job has been let go meanwhile. */
    page(request: { after: string | null; limit: number }): JobPage;
    /** With all its texts. Throws job.notFound, job.unreadable. */
    get(id: string): JobDetail;
    /** Stored before it is acknowledged. One job per picture. Throws model.notFound, request.invalid, job.*. */
    enqueue(request: JobRequest): Promise<JobView[]>;
    /** A picture that is to be made larger; the same holds for it. Throws model.wrongPart, picture.*, upscale.tooLarge. */
    upscale(request: UpscaleRequest): Promise<JobView>;
    /** Takes effect within two seconds, at once when it waits. */
    cancel(ids: string[]): Promise<void>;
    /** The same for all of a kind, or a stretch of them. Throws job.notFound. */
    cancelMany(many: CancelMany): Promise<void>;
    events(signal: Signal): AsyncIterable<QueueEvent>;
  };
  library: {
    /** Newest first; `before` is a `next` from an earlier page. */
    page(request: { before: number | null; limit: number }): Promise<PicturePage>;
    get(id: string): Promise<PictureRecord>;
    /** Moves the file into the library's trash, or deletes it where a full disk leaves no other way, and forgets the record. */
    remove(id: string): Promise<Removal>;
  };
  prompts: { loras(request: PromptLorasRequest): Promise<PromptLoras> };
  /** Named texts for prompts (styles.csv), as they are now. */
  styles: { list(): Promise<PromptStyle[]> };
  /** A text to pass on when something is wrong, with nothing private in it. */
  report(about: ReportRequest): Promise<string>;
  /** Puts it into the log. Too many of them are counted only. */
  windowFailed(fault: WindowFault): void;
  /** Puts away what `machine` tells, in every window. */
  dismissNotice(id: string): Promise<void>;
  settings: { get(): Promise<Settings>; set(patch: Partial<Settings>): Promise<Settings> };
}
