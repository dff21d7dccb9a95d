// Loaded into a studio's process before its own code: ends it with SIGKILL at a named moment of its work, the nth time that it comes.
//   ATELIER_SIEGE=named:3 node --import ./end-at-moment.mjs server.js
import fs from 'node:fs/promises';
import Libsql from 'libsql';

const [moment, nth] = (process.env.ATELIER_SIEGE ?? '').split(':');
let left = Number(nth ?? 1);

const now = (reached) => { if (reached === moment && --left === 0) process.kill(process.pid, 'SIGKILL'); };
/** By the file that is written. */
const kinds = [['picture', /\.png$/], ['thumbnail', /\.webp$/], ['step', /steps[\\/][^\\/]+\.safetensors$/], ['settings', /settings\.json$/], ['blob', /blobs[\\/]/]];
const kindOf = (path) => kinds.find(([, pattern]) => pattern.test(String(path)))?.[0] ?? 'other';

for (const call of ['link', 'rename']) {
  const real = fs[call];
  fs[call] = async (from, to) => {
    now(`before ${kindOf(to)}`);
    await real(from, to);
    now(`after ${kindOf(to)}`);
  };
}
const { open } = fs;
fs.open = async (path, flags, ...rest) => {
  const handle = await open(path, flags, ...rest);
  if (flags !== 'wx') return handle;
  const { writeFile } = handle;
  handle.writeFile = async (bytes) => {
    if (moment === 'half a file' && bytes.length > 100 && left === 1) await writeFile.call(handle, bytes.subarray(0, bytes.length / 2));
    now('half a file');
    return writeFile.call(handle, bytes);
  };
  return handle;
};
const { prepare } = Libsql.prototype;
Libsql.prototype.prepare = function prepareOrDie(sql) {
  const statement = prepare.call(this, sql), what = /(INSERT|UPDATE|DELETE)[^]*?(jobs|pictures)/i.exec(sql);
  if (!what) return statement;
  const run = statement.run.bind(statement), name = `${what[1].toLowerCase()} of ${what[2].toLowerCase()}`;
  statement.run = (...args) => {
    now(`before ${name}`);
    const result = run(...args);
    now(`after ${name}`);
    return result;
  };
  return statement;
};
