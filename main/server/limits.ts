// Bounds on connections: whoever opens many, or begins a request and never ends it, leaves files their handles and the owner a way in.
import type { Socket } from 'node:net';

export interface Limits {
  readonly connections: number;
  /** Of them, those that have not shown yet that they may come in. */
  readonly strangers: number;
  /** Event streams. */
  readonly listeners: number;
  /** For a request's head, from the first byte, or from the connection where nothing comes. */
  readonly headMs: number;
  /** For the whole request. What takes longest is an upload over a slow tunnel. */
  readonly requestMs: number;
  /** Between two requests of one connection. */
  readonly idleMs: number;
  /** How often the clock is looked at. */
  readonly checkMs: number;
}

/** A process of few handles keeps three quarters of them for its files, pipes and processes. */
export function usualLimits(handles: number = mostHandles()): Limits {
  const connections = Math.max(8, Math.min(256, Math.floor(handles / 4)));
  return { connections, strangers: Math.floor(connections / 2), listeners: Math.floor(connections / 4), headMs: 10_000, requestMs: 600_000, idleMs: 15_000, checkMs: 2_000 };
}

/** How many files, sockets and pipes this process may have open. Windows sets no such bound. */
function mostHandles(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Infinity;
}

/** The server's open connections. Where there are too many, the stranger that has waited longest goes. */
export class Connections {
  private readonly limits: Pick<Limits, 'connections' | 'strangers'>;
  private readonly open = new Set<Socket>();
  private readonly strangers = new Set<Socket>();

  constructor(limits: Pick<Limits, 'connections' | 'strangers'>) { this.limits = limits; }

  add(socket: Socket): void {
    this.open.add(socket);
    this.strangers.add(socket);
    socket.once('close', () => this.forget(socket));
    if (this.open.size <= this.limits.connections && this.strangers.size <= this.limits.strangers) return;
    const [oldest = socket] = this.strangers;
    this.forget(oldest);
    oldest.destroy();
  }

  /** A request on it was let in. */
  welcome(socket: Socket): void { this.strangers.delete(socket); }

  private forget(socket: Socket): void {
    this.open.delete(socket);
    this.strangers.delete(socket);
  }
}
