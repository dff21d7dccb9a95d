// What a line of the log may say: known facts in harmless forms, and nothing of anybody's words or folders.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError, toAppError } from '../../../main/engine/errors';
import { framesOf } from '../../../main/engine/traces';
import { factsOf, kinds } from '../../../main/services/log/facts';
import { openLog } from '../../../main/services/log/log';
import { hearWindow } from '../../../main/services/log/window-faults';
import { lastSaid } from '../../../main/services/workers/last-words';
import { errorCodes } from '../../../preload/contract/error-codes';
import { memoryLog } from '../../support/log';
import { tempFolder } from '../../support/pictures';

const mark = 'a secret garden';
const jsonFault = (): unknown => { try { return JSON.parse(`{"prompt": "${mark}"`); } catch (error) { return error; } };

describe('an error in the log', () => {
  it('says what it is and where it was, and nothing of its message, whatever caused it', () => {
    const error = new TypeError(`${mark}\n    at ${mark} (secret.js:1:1)`, { cause: new AggregateError([jsonFault(), mark, { mark }], mark, { cause: new AppError('style.notFound', { name: mark }, { cause: toAppError(jsonFault()) }) }) });
    const said = JSON.stringify(factsOf({ error }));
    expect(said).not.toMatch(/secret|garden/);
    expect(JSON.parse(said)).toMatchObject({ error: { name: 'TypeError', frames: expect.arrayContaining([expect.stringMatching(/^[\w.<> ]*log-facts\.test\.ts:\d+:\d+$/)]), cause: {
      name: 'AggregateError', errors: [{ name: 'SyntaxError' }, { name: 'Thrown', kind: 'string' }, { name: 'Thrown', kind: 'object' }],
      cause: { name: 'AppError', about: { code: 'style.notFound' }, cause: { about: { code: 'internal' }, cause: { name: 'SyntaxError' } } },
    } } });
  });

  it('of the system keeps its code and its call', () => {
    const fault = Object.assign(new Error(`ENOENT: no such file or directory, open '/home/${mark}'`), { code: 'ENOENT', errno: -2, syscall: 'open', path: `/home/${mark}` });
    expect(factsOf({ error: fault })).toMatchObject({ error: { name: 'Error', code: 'ENOENT', syscall: 'open' } });
    expect(factsOf({ about: { code: 'disk.failed', data: { folder: '/home/x/pictures', what: 'settings.json', detail: fault.message } } })).toEqual({ about: { code: 'disk.failed', data: { folder: 'pictures', what: 'settings.json', detail: 'ENOENT' } } });
    expect(factsOf({ detail: 'SECRET: a garden' })).toEqual({});
  });

  it('that is endless, or throws when it is looked at, ends', async () => {
    const round = new Error('x');
    round.cause = round;
    expect(JSON.stringify(factsOf({ error: round })).length).toBeLessThan(20_000);
    const root = await tempFolder(), log = openLog(root, 'studio');
    log.error('x', { error: Object.defineProperty(new Error('x'), 'stack', { get() { throw new Error('no'); } }) });
    expect(JSON.parse(log.tail(1)[0]!)).toMatchObject({ event: 'x', unsaid: true });
  });

  it('has, for every text that any code can have, a form in which it may be said, or none', () => {
    const open: string[] = [];
    for (const [code, { data }] of Object.entries(errorCodes)) for (const [name, schema] of fieldsOf(data)) {
      const isNumbers = [z.number(), z.array(z.number()), z.array(z.array(z.number()))].some((numbers) => JSON.stringify(z.toJSONSchema(numbers)) === JSON.stringify(z.toJSONSchema(schema)));
      if (!isNumbers && !Object.hasOwn(kinds, name)) open.push(`${code}: ${name}`);
    }
    expect(open).toEqual([]);
  });
});

function fieldsOf(schema: unknown): [string, z.ZodType][] {
  const { shape, options } = schema as { shape?: Record<string, z.ZodType>; options?: unknown[] };
  return options ? options.flatMap(fieldsOf) : Object.entries(shape ?? {});
}

describe('a text in the log', () => {
  it('of no known name is left out, as is one of a known name in another form', () => {
    expect(factsOf({ prompt: mark, negative: mark, token: 'T'.repeat(43), why: mark, job: mark, name: mark, key: mark, names: [mark], state: { mark }, [mark]: 1, toString: mark, n: 1, yes: true, none: null })).toEqual({ n: 1, yes: true, none: null });
  });

  it('that names a file has its name alone; pictures, which are named after prompts, and folders not even that', () => {
    expect(factsOf({ file: '/home/anna/models/dream.safetensors' })).toEqual({ file: 'dream.safetensors' });
    expect(factsOf({ file: 'C:\\Users\\Anna\\models\\dream.ckpt' })).toEqual({ file: 'dream.ckpt' });
    expect(factsOf({ what: '2026-11-26_42_a-secret-garden.png', files: ['/a/b.JPG', '/a/c.pt'] })).toEqual({ what: '*.png', files: ['*.jpg', 'c.pt'] });
    expect(factsOf({ folder: homedir(), file: `/media/${mark}/`, files: ['/x/My Secret v1.5', '/x/.secret', ''] })).toEqual({ folder: '*', file: '*', files: ['*', '*', '*'] });
    expect(factsOf({ folder: join(homedir(), 'atelier/pictures'), files: ['/x/2026/11', '/x/server-secret'], kept: 'atelier.damaged-2026-11-27T08-56-19.db' })).toEqual({ folder: 'pictures', files: ['11', 'server-secret'], kept: 'atelier.damaged-2026-11-27T08-56-19.db' });
  });

  it('that was said stays as it is, so that a report can be made from lines', () => {
    const once = factsOf({ job: 'a-1', error: new TypeError(mark, { cause: new AppError('weights.missingTensor', { file: '/x/a.safetensors', key: 'out.weight' }) }), about: { code: 'worker.died', data: { why: 'signal', signal: 'SIGKILL', stderr: 'Error: no such library\n    at f (/x/y.js:1:2)' } }, said: 'std::bad_alloc', n: [1, [2]] });
    expect(factsOf(JSON.parse(JSON.stringify(once)) as Record<string, unknown>)).toEqual(once);
  });
});

describe('a stack', () => {
  it.each([
    ['    at work (file:///home/anna/atelier/out/main/chunk-ABC.js:12:34)', 'work chunk-ABC.js:12:34'],
    ['    at async Queue.run (/home/anna/a b/main/services/queue/queue.ts:1:2)', 'Queue.run queue.ts:1:2'],
    ['    at C:\\Users\\Anna Smith\\out\\main\\server.js:1:2', 'server.js:1:2'],
    ['    at parse (file:///home/anna/node_modules/@trpc/server/dist/index.mjs:1:2)', 'parse @trpc/server/index.mjs:1:2'],
    ['    at node:internal/process/task_queues:95:5', 'node:internal/process/task_queues:95:5'],
    ['    at f (http://127.0.0.1:7870/assets/index-abc.js?key=SECRET:1:2)', 'f index-abc.js:1:2'],
    ['f@http://127.0.0.1:7870/assets/index-abc.js:1:2', 'f index-abc.js:1:2'],
    ['    at new Foo (/x/y.js:1:2)', 'new Foo y.js:1:2'],
    ['    at Promise.all (index 0)', undefined], ['    at a b c', undefined], ['a secret garden', undefined],
  ])('%s', (line, frame) => {
    expect(framesOf(line)).toEqual(frame === undefined ? [] : [frame]);
    expect(factsOf({ frames: framesOf(line) })).toEqual({ frames: frame === undefined ? [] : [frame] });
  });

  it('of a process that died is read for what is known by heart', () => {
    expect(lastSaid(`/home/anna/out/main/worker.js:10\n  throw new Error('${mark}')\n  ^\n\nTypeError: ${mark}\n    at run (/home/anna/out/main/worker.js:10:9)\n\nNode.js v20.20.2\n`)).toEqual({ name: 'TypeError', frames: ['run worker.js:10:9'] });
    expect(lastSaid("terminate called after throwing an instance of 'std::bad_alloc'\n")).toEqual({ phrases: ['bad_alloc', 'terminate'] });
    expect(lastSaid(mark)).toEqual({});
  });
});

describe('a window', () => {
  it('that fails at every frame is heard some times a minute, and counted beyond', () => {
    const log = memoryLog();
    let ms = 0;
    const hear = hearWindow(log, () => ms);
    for (let i = 0; i < 1_000; i++) hear({ kind: 'error', name: 'TypeError', stack: `${mark}\n    at f (http://127.0.0.1:1/assets/x.js:1:2)` });
    expect(log.lines.length).toBe(20);
    ms = 61_000;
    hear({ kind: 'render', name: mark, stack: mark });
    expect(log.lines.slice(-2)).toEqual([
      { level: 'error', process: 'studio', event: 'window.failed', kind: 'error', error: { name: 'TypeError', frames: ['f x.js:1:2'] }, unheard: 0 },
      { level: 'error', process: 'studio', event: 'window.failed', kind: 'render', error: { frames: [] }, unheard: 980 },
    ]);
  });
});
