// Rows as they come from the database, each parsed on its own: one that cannot be read takes no other with it.
import { z } from 'zod';
import { jobVersion } from '../../../preload/contract/job-versions';
import type { UnreadableRecord } from '../../../preload/contract/unreadable';

/** A column of JSON. */
export const json = <T>(schema: z.ZodType<T>) => z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is no JSON' });
    return z.NEVER;
  }
}).pipe(schema);

export type Parsed<T> = { readonly record: T } | { readonly unreadable: UnreadableRecord };

/** `job`: the column that its job is in. */
export function parseRow<T, Job extends string>(schema: z.ZodType<T>, row: { id: string; created_at: number } & Record<Job, string>, job: Job): Parsed<T> {
  const { data, error } = schema.safeParse(row);
  if (!error) return { record: data };
  const version = versionOf(row[job]);
  const why = version > jobVersion ? { kind: 'newer', version } as const : { kind: 'damaged', field: error.issues[0]?.path.join('.') ?? '' } as const;
  return { unreadable: { id: row.id, createdAt: row.created_at, why } };
}

/** Those that can be read, and those that cannot, each in their order. */
export const apart = <T>(rows: readonly Parsed<T>[]): { records: T[]; unreadable: UnreadableRecord[] } => ({
  records: rows.flatMap((row) => ('record' in row ? [row.record] : [])), unreadable: rows.flatMap((row) => ('unreadable' in row ? [row.unreadable] : [])),
});

function versionOf(job: string): number {
  try {
    return Number((JSON.parse(job) as { version?: unknown } | null)?.version ?? 0);
  } catch {
    return 0;
  }
}
