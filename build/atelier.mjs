// `npm run atelier -- <command>`: set-up and bundling where needed, then the terminal's commands. stdout is the command's alone.
import { ensureBundle } from './bundle.mjs';
import { orExit } from './process.mjs';
import { ensureDependencies } from './setup.mjs';

await orExit(ensureDependencies);
await orExit(ensureBundle);

process.setSourceMapsEnabled(true);
// npm changes to the package's folder; paths on the command line mean the folder where the person stands.
if (process.env['INIT_CWD']) process.chdir(process.env['INIT_CWD']);
await import(new URL('../out/main/cli.js', import.meta.url).href);
