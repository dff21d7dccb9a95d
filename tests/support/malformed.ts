// What no procedure of the router should be sent, for each of them: whole inputs in which every field is spoilt in turn.
import { router } from '../../main/api/router';

const deep = '['.repeat(5_000) + ']'.repeat(5_000);
const lone = '"\\ud800"';
/** As JSON texts, since some of them can be written and not be made. */
const scalars: readonly string[] = [
  'null', 'true', '0', '-1', '-0', '1.5', '1e308', '-1e308', '1e999', '9007199254740993', '""', '"x"', lone, '"a\\u0000b"', '"../../etc/passwd"', `"${'x'.repeat(200_000)}"`, '[]', '{}', '[null]', deep,
  '{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}', '{"toString":1,"hasOwnProperty":1}',
];
const request = { files: { model: 'x' }, prompt: 'x', seed: 1, steps: 1, sampler: 'euler', schedule: 'normal', cfg: 1, width: 64, height: 64 };
/** Whole inputs, one for each procedure that has any: in each of them every field is spoilt in turn. */
export const inputs: Readonly<Record<string, unknown>> = {
  'estimate': { model: 'x', width: 64, height: 64, steps: 1, cfg: 1, sampler: 'euler' },
  'models.add': { path: '/nowhere/x.safetensors' },
  'models.inspect': { id: 'x' },
  'pictures.read': { blob: 'a'.repeat(64) },
  'pictures.control': { image: 'a'.repeat(64), preprocessor: { name: 'canny', low: 100 }, resize: 'crop', width: 64, height: 64 },
  'pictures.readJob': { ...request, version: 4, kind: 'txt2img', files: { model: { name: 'x', hash: null } } },
  'prompts.loras': { prompt: '<lora:x:1>', model: 'x' },
  'queue.enqueue': { ...request, count: 1, styles: ['x'], variation: { seed: 1, strength: 1 }, refiner: { switchAt: 1 } },
  'queue.upscale': { upscaler: 'x', init: 'a'.repeat(64), scale: 2, tile: 256 },
  'queue.list': { after: 'x', limit: 1 },
  'queue.get': { id: 'x' },
  'queue.cancel': { ids: ['x'] },
  'queue.cancelMany': { which: 'waiting', after: 'x', upTo: 'x' },
  'library.page': { before: 1, limit: 1 },
  'library.get': { id: 'x' },
  'library.remove': { id: 'x' },
  'dismissNotice': { id: 'x' },
  'report': { error: { code: 'worker.died', data: { why: 'signal', signal: 'SIGKILL', stderr: 'x' } }, job: 'x' },
  'windowFailed': { kind: 'error', name: 'TypeError', stack: '    at f (http://127.0.0.1/assets/x.js:1:2)' },
  'settings.set': { modelFolders: ['/nowhere'], modelFiles: ['/nowhere/x'], modelSettings: { x: { vae: 'x' } }, theme: 'dark', language: 'en', modelCacheBytes: 1 },
};

/** The input itself and each of its fields, at any depth, as each of the scalars, and left out. */
export function* spoilt(input: unknown): Generator<string> {
  yield* scalars;
  const whole = JSON.stringify(input ?? {});
  yield `${whole.slice(0, -1)}${whole.length > 2 ? ',' : ''}"__proto__":{"polluted":true}}`;
  yield whole;
  const marks = input === undefined ? [] : paths(input);
  for (const path of marks) for (const scalar of [...scalars, 'undefined']) yield replaced(input, path, scalar);
}
const paths = (value: unknown): string[][] =>
  (typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, inner]) => [[key], ...paths(inner).map((rest) => [key, ...rest])]) : []);
function replaced(input: unknown, path: readonly string[], scalar: string): string {
  const copy = structuredClone(input), last = path.at(-1)!;
  let at = copy as Record<string, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
  at[last] = scalar === 'undefined' ? undefined : '\u0001spoilt';      // undefined is left out of JSON
  return JSON.stringify(copy).replace('"\\u0001spoilt"', () => scalar);
}

export const procedures = Object.entries(router._def.procedures as unknown as Record<string, { _def: { type: 'query' | 'mutation' | 'subscription' } }>).map(([name, { _def: { type } }]) => ({ name, type }));
