// Golden case `tokenizer`: texts → ids of CLIP's tokenizer, equality asked for. One check per category of texts.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { mergesOf, Tokenizer } from '../../engine/text/tokenizer';
import { clipMerges } from '../../worker/tokenizer-vocabulary';
import { countMismatches } from './measure-text';
import type { Checker } from './types';

interface Prompt { category: string; text: string; ids: number[] }

export const tokenizer: Checker = async function* ({ path, config }) {
  const vocabularyFile = join(path, 'bpe_simple_vocab_16e6.txt.gz');
  const merges = existsSync(vocabularyFile) ? mergesOf(gunzipSync(await readFile(vocabularyFile)).toString('utf8')) : await clipMerges();
  const clip = new Tokenizer(merges);

  const expected: Record<string, number> = { size: config['vocab_size'], start: config['bos'], end: config['eos'], ...config['vocab_probes'] };
  yield countMismatches('vocabulary', Object.entries(expected), ([name, want]) => {
    const got = { size: clip.size, start: clip.startId, end: clip.endId }[name] ?? clip.idOf(name);
    return got === want ? null : `${name} is ${got}, expected ${want}`;
  });

  const prompts = JSON.parse(await readFile(join(path, 'prompts.json'), 'utf8')) as Prompt[];
  for (const category of new Set(prompts.map((prompt) => prompt.category))) {
    yield countMismatches(category, prompts.filter((prompt) => prompt.category === category), ({ text, ids }) => {
      const got = clip.encode(text);
      return got.join() === ids.join() ? null : `${JSON.stringify(text)} is ${got.join(' ')}, expected ${ids.join(' ')}`;
    });
  }
};
