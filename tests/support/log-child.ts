// A process of its own that writes to a log as it is told: many lines, or one fault that ends it.
import { watchFatal } from '../../main/services/log/fatal';
import { LogFile } from '../../main/services/log/log-file';
import { openLog } from '../../main/services/log/log';

const { folder, who, act } = JSON.parse(process.argv[2]!) as { folder: string; who: string; act: 'write' | 'throw' | 'reject' };
if (act === 'write') {
  const file = new LogFile(folder, { fileBytes: 20_000, files: 1_000, onFault: (fault) => { throw fault as Error; } });
  for (let i = 0; i < 2_000; i++) file.write(JSON.stringify({ who, i, pad: 'x'.repeat(i * 7 % 200) }));
} else {
  watchFatal(openLog(folder, 'server'));
  if (act === 'reject') void Promise.reject(new RangeError(who));
  else setTimeout(() => { throw new TypeError(`${who}\n    at ${who} (${who}.js:1:1)`, { cause: new SyntaxError(who) }); });
}
