// The worker process: owns the onnxruntime sessions, runs one job at a time, holds no truth and may die at any moment.
// Under the server host it is a child process, in the desktop app the same entry can run as Electron's utility process.
import { ModelCache } from './model-cache';
import { ortRuntime } from './ort-runtime';
import { portToHost } from './port';
import { clipTokenizer, runJob } from './run-job';
import { serveJobs } from './serve-jobs';
import { upscale } from './upscale';

// A terminal's Ctrl-C, its closing and the system's end reach the whole group; the studio hears them too, and decides. A worker that went
// first would look as if it had died over its job.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});

const port = portToHost(process);
const models = new ModelCache(ortRuntime());
// Without a studio there is nobody to work for.
port.onClose(() => process.exit(0));
void clipTokenizer();       // the first prompt should not wait for the vocabulary
serveJobs(port, { models, runJob: (message, ...running) => runJob(message, models, ...running), upscale: (message, ...running) => upscale(message, models, ...running) });
