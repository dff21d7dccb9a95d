// CLIP's merge list, a resource of ours (its licence lies beside it).
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { mergesOf } from '../engine/text/tokenizer';

/** Sources and bundles both lie two folders below the package's root. */
const file = new URL('../../resources/tokenizer/clip-merges.txt.gz', import.meta.url);

let merges: Promise<string[]> | undefined;

/** CLIP's 48,894 merges, loaded when first asked for. */
export const clipMerges = (): Promise<string[]> => (merges ??= load());

const load = async (): Promise<string[]> => mergesOf((await promisify(gunzip)(await readFile(file))).toString('utf8'));
