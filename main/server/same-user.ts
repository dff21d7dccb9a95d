// Whose program is at the other end of a connection, where the system tells. An address with a code passes through the arguments of the command that
// opens the browser, which every user of the machine can list: whoever is quick could use it first.
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const ROOT = 0;
/** What a container shows for users outside of it. */
const UNKNOWN = 65_534;

/** false when it belongs to another user of this machine. True where that cannot be known: outside Linux. */
export async function isSameUser({ remotePort = 0, localPort = 0 }: Pick<Socket, 'remotePort' | 'localPort'>, ourUid = process.getuid?.()): Promise<boolean> {
  const uid = await uidOf(remotePort, localPort);
  return uid === null || uid === ourUid || uid === ROOT || uid === UNKNOWN;
}

/** Of the socket on this machine that is bound to one port of 127.0.0.1 and connected to the other. */
async function uidOf(port: number, peer: number): Promise<number | null> {
  for (const table of TABLES) {
    for (const line of (await readFile(table, 'utf8').catch(() => '')).split('\n')) {
      const [, local, remote, , , , , uid] = line.trim().split(/\s+/);
      if (uid !== undefined && local?.endsWith(loopback(port)) && remote?.endsWith(loopback(peer))) return Number(uid);
    }
  }
  return null;
}

/** As the tables write 127.0.0.1, in which an IPv6 one ends too. */
const loopback = (port: number): string => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
