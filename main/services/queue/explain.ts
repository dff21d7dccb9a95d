// What a person is told about a job that failed through no fault of its own, and what to do next.
import type { ErrorInfo } from '../../../preload/contract/errors';
import type { Crash } from '../workers/host';

/** The worker died over the job twice. */
export function explainCrash(crash: Crash): ErrorInfo {
  const data = { reason: crash.reason, code: crash.code, signal: crash.signal, peakBytes: crash.peakBytes, stderr: crash.stderr.trim() };
  if (crash.reason === 'memory') {
    return {
      code: 'memory.exhausted', data,
      message: `The worker ended, probably because the memory ran out${crash.peakBytes > 0 ? ` (it had ${(crash.peakBytes / 2 ** 30).toFixed(1)} GB)` : ''}`,
      hint: 'Choose a smaller size, or close other programs, and try again.',
    };
  }
  const how = crash.signal ? `was ended by ${crash.signal}` : `ended with code ${crash.code}`;
  return {
    code: 'worker.died', data, message: `The worker ${how} while it worked on this picture, twice`,
    hint: 'Try again with a smaller size. If it happens again, please report it with the details.',
  };
}
