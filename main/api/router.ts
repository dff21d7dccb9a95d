// One procedure per thing the studio can do, parsed by the contract's schemas. Both hosts serve this router; the window imports its type.
import { initTRPC } from '@trpc/server';
import { z } from 'zod';
import type { ErrorInfo } from '../../preload/contract/errors';
import { ContentHash, JobRequest, JobSpec } from '../../preload/contract/job';
import { EstimateRequest, SettingsPatch } from '../../preload/contract/studio';
import type { Studio } from './studio';

const t = initTRPC.context<{ studio: Studio }>().create({
  // An error crosses as data: what our services threw, else what the parser found.
  errorFormatter: ({ shape, error }) => ({ ...shape, data: { ...shape.data, stack: undefined, info: infoOf(error) } }),
  // A stream on which nothing happens is kept alive, and a listener notices within half a minute that the studio is gone.
  sse: { ping: { enabled: true, intervalMs: 10_000 }, client: { reconnectAfterInactivityMs: 30_000 } },
});

export const router = t.router({
  machine: t.procedure.query(({ ctx }) => ctx.studio.machine()),
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
    readJob: t.procedure.input(JobSpec).mutation(({ ctx, input }) => ctx.studio.pictures.readJob(input)),
  }),
  queue: t.router({
    list: t.procedure.query(({ ctx }) => ctx.studio.queue.list()),
    enqueue: t.procedure.input(JobRequest).mutation(({ ctx, input }) => ctx.studio.queue.enqueue(input)),
    cancel: t.procedure.input(z.object({ ids: z.array(z.string()) })).mutation(({ ctx, input }) => ctx.studio.queue.cancel(input.ids)),
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
  styles: t.router({ list: t.procedure.query(({ ctx }) => ctx.studio.styles.list()) }),
  settings: t.router({
    get: t.procedure.query(({ ctx }) => ctx.studio.settings.get()),
    set: t.procedure.input(SettingsPatch).mutation(({ ctx, input }) => ctx.studio.settings.set(input)),
  }),
});
export type AppRouter = typeof router;

function infoOf(error: { message: string; code: string; cause?: unknown }): ErrorInfo {
  const { cause } = error;
  if (cause instanceof z.ZodError) {
    const issue = cause.issues[0];
    return { code: 'job.invalid', message: `${issue?.path.join('.') ?? 'request'}: ${issue?.message ?? 'not understood'}`, hint: 'Change this setting and try again.' };
  }
  if (cause && typeof cause === 'object' && 'toInfo' in cause && typeof cause.toInfo === 'function') return cause.toInfo() as ErrorInfo;
  return { code: 'internal', message: error.message };
}
