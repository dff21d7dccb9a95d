// One procedure per thing the studio can do, parsed by the contract's schemas. Both hosts serve this router; the window imports its type.
import { initTRPC, type TRPCError } from '@trpc/server';
import { z } from 'zod';
import { ErrorInfo, statusOf } from '../../preload/contract/errors';
import { invalidRequest } from '../../preload/contract/invalid';
import { AnyJob, CancelMany, ContentHash, JobRequest, UpscaleRequest } from '../../preload/contract/job';
import { ControlPictureRequest, EstimateRequest, PromptLorasRequest, SettingsPatch } from '../../preload/contract/studio';
import { ReportRequest, WindowFault } from '../../preload/contract/log';
import type { Studio } from './studio';

const t = initTRPC.context<{ studio: Studio }>().create({
  // An error crosses as data: what our services threw, else what the parser found. Its library's own words do not.
  errorFormatter: ({ shape, error }) => {
    const info = infoOf(error);
    return { ...shape, message: info.code, data: { ...shape.data, stack: undefined, httpStatus: statusOf(info.code), info } };
  },
  // A stream on which nothing happens is kept alive, and a listener notices within half a minute that the studio is gone.
  sse: { ping: { enabled: true, intervalMs: 10_000 }, client: { reconnectAfterInactivityMs: 30_000 } },
});

export const router = t.router({
  machine: t.procedure.query(({ ctx }) => ctx.studio.machine()),
  report: t.procedure.input(ReportRequest).mutation(({ ctx, input }) => ctx.studio.report(input)),
  windowFailed: t.procedure.input(WindowFault).mutation(({ ctx, input }) => ctx.studio.windowFailed(input)),
  dismissNotice: t.procedure.input(z.object({ id: z.string() })).mutation(({ ctx, input }) => ctx.studio.dismissNotice(input.id)),
  estimate: t.procedure.input(EstimateRequest).query(({ ctx, input }) => ctx.studio.estimate(input)),
  models: t.router({
    list: t.procedure.query(({ ctx }) => ctx.studio.models.list()),
    parts: t.procedure.query(({ ctx }) => ctx.studio.models.parts()),
    refresh: t.procedure.mutation(({ ctx }) => ctx.studio.models.refresh()),
    add: t.procedure.input(z.object({ path: z.string().min(1) })).mutation(({ ctx, input }) => ctx.studio.models.add(input.path)),
    inspect: t.procedure.input(z.object({ id: z.string() })).query(({ ctx, input }) => ctx.studio.models.inspect(input.id)),
  }),
  pictures: t.router({
    /** `blob`: the hash of an uploaded picture. */
    read: t.procedure.input(z.object({ blob: ContentHash })).query(({ ctx, input }) => ctx.studio.pictures.read(input.blob)),
    control: t.procedure.input(ControlPictureRequest).query(({ ctx, input }) => ctx.studio.pictures.control(input)),
    readJob: t.procedure.input(AnyJob).mutation(({ ctx, input }) => ctx.studio.pictures.readJob(input)),
  }),
  queue: t.router({
    /** `after`: the `next` of an earlier page. */
    list: t.procedure.input(z.object({ after: z.string().nullable().default(null), limit: z.int().min(1).max(200).default(100) }).prefault({}))
      .query(({ ctx, input }) => ctx.studio.queue.page(input)),
    get: t.procedure.input(z.object({ id: z.string() })).query(({ ctx, input }) => ctx.studio.queue.get(input.id)),
    enqueue: t.procedure.input(JobRequest).mutation(({ ctx, input }) => ctx.studio.queue.enqueue(input)),
    upscale: t.procedure.input(UpscaleRequest).mutation(({ ctx, input }) => ctx.studio.queue.upscale(input)),
    cancel: t.procedure.input(z.object({ ids: z.array(z.string()) })).mutation(({ ctx, input }) => ctx.studio.queue.cancel(input.ids)),
    cancelMany: t.procedure.input(CancelMany).mutation(({ ctx, input }) => ctx.studio.queue.cancelMany(input)),
    events: t.procedure.subscription(async function* ({ ctx, signal }) {
      if (signal) yield* ctx.studio.queue.events(signal);
    }),
  }),
  library: t.router({
    page: t.procedure.input(z.object({ before: z.number().nullable().default(null), limit: z.int().min(1).max(200).default(50) }))
      .query(({ ctx, input }) => ctx.studio.library.page(input)),
    get: t.procedure.input(z.object({ id: z.string() })).query(({ ctx, input }) => ctx.studio.library.get(input.id)),
    remove: t.procedure.input(z.object({ id: z.string() })).mutation(({ ctx, input }) => ctx.studio.library.remove(input.id)),
  }),
  prompts: t.router({ loras: t.procedure.input(PromptLorasRequest).mutation(({ ctx, input }) => ctx.studio.prompts.loras(input)) }),
  styles: t.router({ list: t.procedure.query(({ ctx }) => ctx.studio.styles.list()) }),
  settings: t.router({
    get: t.procedure.query(({ ctx }) => ctx.studio.settings.get()),
    set: t.procedure.input(SettingsPatch).mutation(({ ctx, input }) => ctx.studio.settings.set(input)),
  }),
});
export type AppRouter = typeof router;

/** The HTTP status of an answer with these errors, of so many calls; undefined: as the library has it. */
export function answerStatus(errors: readonly TRPCError[], calls: number): number | undefined {
  const statuses = new Set(errors.map((error) => statusOf(infoOf(error).code)));
  if (statuses.size === 0) return undefined;
  return statuses.size === 1 && errors.length >= calls ? [...statuses][0] : SEVERAL;
}
const SEVERAL = 207;

/** Not the request's. */
export const isOurFault = (error: TRPCError): boolean => statusOf(infoOf(error).code) >= 500;

function infoOf({ message, code, cause }: TRPCError): ErrorInfo {
  if (cause instanceof z.ZodError) return invalidRequest(cause);
  const said = cause && 'info' in cause ? ErrorInfo.safeParse(cause.info).data : undefined;
  return said ?? ownFaults[code] ?? { code: 'internal', data: { detail: message } };
}

/** What the library itself finds wrong with a request. */
const ownFaults: Partial<Record<TRPCError['code'], ErrorInfo>> = {
  NOT_FOUND: { code: 'address.unknown', data: {} }, PARSE_ERROR: { code: 'request.unreadable', data: {} }, BAD_REQUEST: { code: 'request.unreadable', data: {} },
  METHOD_NOT_SUPPORTED: { code: 'request.method', data: {} }, UNSUPPORTED_MEDIA_TYPE: { code: 'request.type', data: {} }, PAYLOAD_TOO_LARGE: { code: 'request.tooLarge', data: {} },
};
