// Codes and sessions over time, the secret's file, and whose program asks.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isSameUser } from '../../../main/server/same-user';
import { newSecret, serverSecret } from '../../../main/server/secret';
import { Sessions } from '../../../main/server/sessions';

const MINUTE = 60_000, DAY = 1440 * MINUTE;

describe('a code', () => {
  it('is good once, and for ten minutes', () => {
    const sessions = new Sessions(newSecret());
    expect(sessions.begin(sessions.newCode(0), 11 * MINUTE)).toBeNull();
    const code = sessions.newCode(0);
    expect(sessions.begin(code, 9 * MINUTE)).not.toBeNull();
    expect(sessions.begin(code, 9 * MINUTE)).toBeNull();
  });

  it('does not add up with others without end', () => {
    const sessions = new Sessions(newSecret());
    const codes = Array.from({ length: 1_000 }, () => sessions.newCode());
    expect(codes.filter((code) => sessions.isGood(code))).toEqual(codes.slice(-32));
  });
});

describe('a session', () => {
  it('holds over a restart, for thirty days, and not at a studio of another secret', () => {
    const secret = newSecret(), before = new Sessions(secret);
    const { cookie, keys } = before.begin(before.newCode(0), 0)!;
    expect(new Sessions(secret).keysFor(cookie, 29 * DAY)).toEqual(keys);
    expect(new Sessions(secret).keysFor(cookie, 31 * DAY)).toBeNull();
    expect(new Sessions(newSecret()).keysFor(cookie, 0)).toBeNull();
  });

  it('cannot be made longer, or up', () => {
    const sessions = new Sessions(newSecret());
    const [id, end, signature] = sessions.begin(sessions.newCode(0), 0)!.cookie.split('.') as [string, string, string];
    for (const cookie of ['', '..', `${id}.${Number(end) + 1}.${signature}`, `${id}x.${end}.${signature}`, `${id}.${end}`, `${id}.${end}.`, `${id}.${end}.é`, `${id}.${end}.${signature}.${signature}`]) {
      expect(sessions.keysFor(cookie, 0), cookie).toBeNull();
    }
  });
});

describe('the secret', () => {
  let dataDir: string;
  const file = () => join(dataDir, 'server-secret');
  beforeEach(async () => { dataDir = await mkdtemp(join(tmpdir(), 'atelier-secret-')); });
  afterEach(() => rm(dataDir, { recursive: true }));
  const mode = async () => (await stat(file())).mode & 0o777;
  const posix = it.skipIf(process.platform === 'win32');

  it('is made once, and the one of former versions, which was in addresses, goes', async () => {
    await writeFile(join(dataDir, 'server-token'), 'T'.repeat(43));
    const { secret, notice } = await serverSecret(dataDir);
    expect([secret, notice]).toEqual([expect.stringMatching(/^[\w-]{43}$/), null]);
    expect(await serverSecret(dataDir)).toEqual({ secret, notice: null });
    expect(await readdir(dataDir)).toEqual(['server-secret']);
  });

  it('is one, when two starts make it at the same time', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => serverSecret(dataDir)));
    expect(new Set(made.map(({ secret }) => secret)).size).toBe(1);
  });

  posix('is read by its owner alone, also one that others could read before', async () => {
    await serverSecret(dataDir);
    expect(await mode()).toBe(0o600);
    await chmod(file(), 0o644);
    await serverSecret(dataDir);
    expect(await mode()).toBe(0o600);
  });

  it('that is damaged, or a folder, is put aside and named', async () => {
    for (const damage of [() => writeFile(file(), 'half'), () => mkdir(file())]) {
      await rm(file(), { recursive: true, force: true });
      await damage();
      const { secret, notice } = await serverSecret(dataDir);
      expect(notice).toMatchObject({ code: 'data.damaged', data: { why: 'secret', file: file() } });
      expect(await fs.readFile(file(), 'utf8')).toBe(secret);
    }
    expect((await readdir(dataDir)).filter((name) => name.includes('damaged'))).toHaveLength(2);
  });

  it('that cannot be read now is said, and stays', async () => {
    const { secret } = await serverSecret(dataDir);
    for (const code of ['EACCES', 'EMFILE', 'EIO']) {
      vi.spyOn(fs, 'readFile').mockRejectedValueOnce(Object.assign(new Error(`${code}: not now`), { code }));
      await expect(serverSecret(dataDir)).rejects.toMatchObject({ code: 'server.secret', data: { file: file() } });
    }
    expect(await serverSecret(dataDir)).toEqual({ secret, notice: null });
  });
});

describe.skipIf(process.platform !== 'linux')('whose program asks', () => {
  it('is told from the connection: ours may, another user\'s may not, and one that cannot be known may', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo, us = process.getuid!(), other = us === 0 ? 12_345 : us;
    const child = spawn(process.execPath, ['-e', `require('net').connect(${port}, '127.0.0.1')`], { uid: other });
    const [accepted] = await once(server, 'connection') as [Socket];
    expect([await isSameUser(accepted, other), await isSameUser(accepted, us === 0 ? us : us + 1)]).toEqual([true, false]);
    expect(await isSameUser({ remotePort: 1, localPort: 2 })).toBe(true);
    child.kill();
    accepted.destroy();
    server.close();
  });
});
