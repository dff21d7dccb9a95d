// What a person is told about a job that failed through no fault of its own.
import type { ErrorInfo } from '../../../preload/contract/errors';
import type { Crash } from '../workers/host';

/** The worker died over the job twice. */
export function explainCrash({ reason, code, signal, peakBytes, stderr }: Crash): ErrorInfo {
  if (reason === 'memory') return { code: 'memory.exhausted', data: peakBytes > 0 ? { why: 'worker', peakBytes } : { why: 'workerUnmeasured' } };
  const said = stderr.trim();
  return { code: 'worker.died', data: signal ? { why: 'signal', signal, stderr: said } : { why: 'code', exit: code ?? -1, stderr: said } };
}
