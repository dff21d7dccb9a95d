// Ctrl-C and SIGTERM: the first asks politely, the second ends the process at once.

/** One Ctrl-C may come twice: from the terminal, and passed on by the process that started this one. What comes so soon is that echo, not the user. */
const ECHO_MS = 200;

/** Returns what ends the listening. */
export function onStopSignal(stop: () => void): () => void {
  let askedAt: number | null = null;
  const hear = () => {
    if (askedAt === null) { askedAt = performance.now(); stop(); }
    else if (performance.now() - askedAt > ECHO_MS) process.exit(130);
  };
  process.on('SIGINT', hear).on('SIGTERM', hear);
  return () => { process.off('SIGINT', hear).off('SIGTERM', hear); };
}
