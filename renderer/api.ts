// The window's one way to the studio: the router's calls over HTTP, its events over a stream, pictures by address. All of it from our own origin.
import { createTRPCClient, httpBatchLink, httpSubscriptionLink, splitLink, TRPCClientError } from '@trpc/client';
import type { AppRouter } from '../main/api/router';
import type { ErrorInfo } from '../preload/contract/errors';
import { pageHeaders, withKey } from './session';

export const api = createTRPCClient<AppRouter>({
  links: [splitLink({
    condition: (op) => op.type === 'subscription',
    true: httpSubscriptionLink({ url: () => withKey('/trpc') }),
    false: httpBatchLink({ url: '/trpc', maxURLLength: 8000, headers: pageHeaders }),
  })],
});

export const pictureUrl = (id: string) => withKey(`/media/${id}.png`);
export const thumbnailUrl = (id: string) => withKey(`/media/${id}.webp`);

export const blobUrl = (hash: string) => withKey(`/blobs/${hash}`);

interface StoredBlob { hash: string; width: number; height: number }

/** Hands a picture file to the studio. It is kept by the hash of its bytes; a job names it by that hash. */
export async function uploadBlob(file: Blob): Promise<StoredBlob> {
  const response = await fetch('/blobs', { method: 'POST', body: file, headers: { 'content-type': file.type || 'application/octet-stream', ...pageHeaders() } });
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as StoredBlob;
  throw new UploadError(isErrorInfo(answer) ? answer : { code: 'picture.unreadable', data: { why: 'format', name: '', detail: response.statusText } });
}

class UploadError extends Error {
  readonly info: ErrorInfo;
  constructor(info: ErrorInfo) {
    super(info.code);
    this.info = info;
  }
}

/** Whatever was thrown, as the contract's error: what the studio said, else that it could not be reached. */
export function errorInfoOf(thrown: unknown): ErrorInfo {
  if (thrown instanceof UploadError) return thrown.info;
  if (thrown instanceof TRPCClientError) {
    const said: unknown = (thrown.data as { info?: unknown } | undefined)?.info;
    if (isErrorInfo(said)) return said;
    const response = thrown.meta?.response as Response | undefined;
    if (response?.status === 401 || response?.status === 403) return { code: 'auth.missing', data: {} };
    return { code: 'studio.unreachable', data: { detail: thrown.message } };
  }
  return { code: 'internal', data: { detail: thrown instanceof Error ? thrown.message : String(thrown) } };
}

const isErrorInfo = (value: unknown): value is ErrorInfo => typeof value === 'object' && value !== null && 'code' in value && 'data' in value;
