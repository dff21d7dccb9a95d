// The package's own folder, where its resources and reference cases are.
import { fileURLToPath } from 'node:url';

/** Sources and bundles both lie two folders below it: main/cli/…, out/main/…. */
export const packageRoot = (): string => fileURLToPath(new URL('../..', import.meta.url));
