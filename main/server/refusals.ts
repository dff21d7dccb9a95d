// What is wrong with a request before anything of ours has seen it: one of our errors for each status that HTTP and its libraries refuse with.
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';
import { statusOf, type ErrorInfo } from '../../preload/contract/errors';
import { AppError, toAppError } from '../engine/errors';

const damaged: ErrorInfo = { code: 'request.unreadable', data: {} };
export const nothingHere: ErrorInfo = { code: 'address.unknown', data: {} };
const all: readonly ErrorInfo[] = [
  damaged, nothingHere, { code: 'request.method', data: {} }, { code: 'request.late', data: {} }, { code: 'request.tooLarge', data: {} }, { code: 'request.type', data: {} },
  { code: 'request.longHead', data: {} },
];
const byStatus = new Map(all.map((info) => [statusOf(info.code), info]));

export const send = (reply: FastifyReply, info: ErrorInfo): FastifyReply => reply.code(statusOf(info.code)).send(info);

/** Whatever was thrown while a request was answered. What a library refuses with a status below 500 is the request's fault; `onFault` hears of others. */
export function sendError(reply: FastifyReply, thrown: unknown, onFault: (fault: AppError) => void = () => {}): FastifyReply {
  const status = thrown instanceof Error && !(thrown instanceof AppError) && 'statusCode' in thrown ? Number(thrown.statusCode) : 500;
  if (status < 500) return send(reply, byStatus.get(status) ?? damaged);
  const fault = toAppError(thrown);
  if (statusOf(fault.code) >= 500) onFault(fault);
  return send(reply, fault.info);
}

const socketStatus: Readonly<Record<string, number>> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

/** What cannot be read as HTTP has no reply, and gets its answer on the bare connection. */
export function refuseOnSocket(error: Error & { code?: string }, socket: Socket): void {
  if (error.code !== 'ECONNRESET' && socket.writable) {
    const status = socketStatus[error.code ?? ''] ?? 400, body = JSON.stringify(byStatus.get(status));
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n${body}`);
  }
  socket.destroy();
}
