// Whatever is asked of the studio that it cannot do, it refuses with one of our errors: its code, its values and its status, and none of a fault of ours.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { router } from '../../main/api/router';
import { serve, type StudioServer } from '../../main/server/serve';
import { createStudio, type LocalStudio } from '../../main/services/studio';
import { ErrorInfo, statusOf } from '../../preload/contract/errors';
import { inputs, procedures, spoilt } from '../support/malformed';
import { fakeWorker } from '../support/queue';

const secret = 'S'.repeat(43);
let root: string, studio: LocalStudio, server: StudioServer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'atelier-refusals-'));
  await mkdir(join(root, 'renderer'));
  await writeFile(join(root, 'renderer/index.html'), '<title>Window</title>');
  studio = await createStudio({ dataDir: join(root, 'data'), workerEntry: fakeWorker });
  server = await serve({ studio, port: 0, secret, rendererDir: join(root, 'renderer') });
});
afterAll(async () => {
  await server.close();
  await studio.close();
  await rm(root, { recursive: true });
});

interface Answer { readonly status: number; readonly text: string }

function ask(path: string, { method = 'GET', body, headers = {} }: { method?: string; body?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = { authorization: `Bearer ${secret}`, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers };
    httpRequest({ host: '127.0.0.1', port: server.port, path, method, headers: sent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; }).on('end', () => resolve({ status: response.statusCode!, text }));
    }).on('error', reject).end(body);
  });
}

/** The error of ours that an answer is, with its right status and nothing of the parser's library. */
function expectOurs({ status, text }: Answer, what: string): void {
  const said = JSON.parse(text) as { error?: { message: string; data: { info: unknown } } };
  const info = ErrorInfo.safeParse(said.error ? said.error.data.info : said);
  expect(info.success, `${what}: ${text.slice(0, 300)}`).toBe(true);
  expect(status, `${what}: ${text.slice(0, 300)}`).toBe(statusOf(info.data!.code));
  expect(status, `${what}: ${text.slice(0, 300)}`).toBeLessThan(500);
  for (const raw of ['"issues"', 'invalid_type', 'ZodError', '\\"expected\\"', 'node_modules', 'NodeError', 'ERR_']) expect(text, `${what} says ${raw}`).not.toContain(raw);
}

describe('a procedure', () => {
  it('that takes anything is among those that are tried', () => {
    const taking = Object.entries(router._def.procedures as unknown as Record<string, { _def: { inputs: unknown[] } }>).filter(([, { _def }]) => _def.inputs.length > 0).map(([name]) => name);
    expect(Object.keys(inputs).sort()).toEqual(taking.sort());
  });

  it.each(procedures.filter(({ type }) => type !== 'subscription'))('$name answers, or refuses with an error of ours, whatever it is sent', async ({ name, type }) => {
    for (const text of spoilt(inputs[name])) {
      const what = `${name} ${text.slice(0, 120)}`;
      const query = encodeURIComponent(text);
      if (type === 'query' && query.length > 12_000) continue;      // no address is that long
      const answer = await (type === 'query' ? ask(`/trpc/${name}?input=${query}`) : ask(`/trpc/${name}`, { method: 'POST', body: text }));
      if (answer.status === 200) expect(JSON.parse(answer.text), what).toHaveProperty('result');
      else expectOurs(answer, what);
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect((await ask('/trpc/settings.get')).status).toBe(200);
  });

  it('that is one of several has its own answer', async () => {
    const { status, text } = await ask(`/trpc/machine,models.inspect,library.get?batch=1&input=${encodeURIComponent('{"1":{"id":"x"},"2":{"id":3}}')}`);
    expect(status).toBe(207);
    expect((JSON.parse(text) as { error?: { data: { info: { code: string }; httpStatus: number } } }[]).map(({ error }) => error && [error.data.info.code, error.data.httpStatus]))
      .toEqual([undefined, ['model.notFound', 404], ['request.invalid', 400]]);
  });
});

it.each(['', 'models', './models', '~/models', 'C:models', '/a\0b'])('the settings take no folder that means another one elsewhere: %j', async (folder) => {
  const before = await ask('/trpc/settings.get');
  for (const field of ['modelFolders', 'modelFiles']) {
    const { status, text } = await ask('/trpc/settings.set', { method: 'POST', body: JSON.stringify({ [field]: ['/models', folder] }) });
    expect([status, (JSON.parse(text) as { error: { data: { info: unknown } } }).error.data.info]).toEqual([400, { code: 'request.invalid', data: { field: `${field}.1`, why: 'path' } }]);
  }
  expect(await ask('/trpc/settings.get')).toEqual(before);
});

describe('a request', () => {
  it.each<[string, string, { method?: string; body?: string; headers?: Record<string, string> }, number]>([
    ['of a procedure that is not there', '/trpc/nothing.here', {}, 404],
    ['of Object\'s own names', '/trpc/__proto__,constructor,toString', {}, 404],
    ['of too many names', `/trpc/${'machine,'.repeat(1_200)}machine`, {}, 400],
    ['that changes something, by GET', '/trpc/settings.set', {}, 405],
    ['that only asks, by POST', '/trpc/machine', { method: 'POST', body: '{}' }, 405],
    ['by another method', '/trpc/machine', { method: 'DELETE' }, 415],
    ['by a method that is none of a picture', `/media/${'a'.repeat(64)}.png`, { method: 'POST', body: '{}' }, 404],
    ['with half a JSON', '/trpc/settings.set', { method: 'POST', body: '{"theme":' }, 400],
    ['with half a JSON in its address', '/trpc/library.get?input=%7B%22id', {}, 400],
    ['with no JSON', '/trpc/settings.set', { method: 'POST', body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415],
    ['with a type that is none', '/trpc/settings.set', { method: 'POST', body: '{}', headers: { 'content-type': 'x' } }, 415],
    ['with a body that is too large', '/trpc/settings.set', { method: 'POST', body: `"${'x'.repeat(2 ** 21)}"` }, 413],
    ['for a page that is not there', '/nothing/here.js', {}, 404],
    ['with a broken escape', '/%E0%A4%A', {}, 400],
    ['with a broken escape in a picture\'s name', '/media/%ff.png', {}, 400],
    ['with a NUL in its path', '/a%00b', {}, 400],
    ['that climbs', '/..%2f..%2fetc/passwd', {}, 404],
    ['for a picture that is not there', `/media/${'a'.repeat(64)}.png`, {}, 404],
    ['for a small one', `/media/${'a'.repeat(64)}.webp`, {}, 404],
    ['for an upload that is not there', `/blobs/${'a'.repeat(64)}`, {}, 404],
    ['of an upload that is empty', '/blobs', { method: 'POST' }, 422],
    ['of an upload that is no picture', '/blobs', { method: 'POST', body: 'x', headers: { 'content-type': 'text/html' } }, 422],
    ['of an upload of a type that is none', '/blobs', { method: 'POST', body: 'x', headers: { 'content-type': '§' } }, 415],
    ['to come in with nothing', '/sign-in', { method: 'POST' }, 401],
    ['to come in with a list', '/sign-in', { method: 'POST', body: '[]' }, 401],
    ['to come in with too much', '/sign-in', { method: 'POST', body: `{"code":"${'x'.repeat(2_000)}"}` }, 413],
    ['to come in with a form', '/sign-in', { method: 'POST', body: 'code=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415],
    ['without a secret', '/trpc/machine', { headers: { authorization: 'Bearer é' } }, 401],
    ['under another name', '/', { headers: { host: 'evil.example' } }, 403],
    ['of another page', '/', { headers: { origin: 'http://evil.example' } }, 403],
  ])('%s is refused with an error of ours', async (_what, path, options, status) => {
    const answer = await ask(path, options);
    expect(answer.status, answer.text).toBe(status);
    expectOurs(answer, path.slice(0, 80));
  });

  it.each<[string, string, number]>([
    ['that is no HTTP', 'hello\r\n\r\n', 400],
    ['with a head without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
    ['with a NUL in its head', 'GET / HTTP/1.1\r\nHost: x\r\nX: \0\r\n\r\n', 400],
    ['with two lengths', 'POST /blobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
  ])('%s is refused with one of ours, too', async (_what, text, status) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
    let heard = '';
    for await (const chunk of socket.setEncoding('utf8')) heard += String(chunk);
    const [head = '', body = ''] = heard.split('\r\n\r\n');
    expectOurs({ status: Number(/^HTTP\/1.1 (\d+)/.exec(head)![1]), text: body }, text.slice(0, 80));
    expect(head).toContain(String(status));
  });
});
