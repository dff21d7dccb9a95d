// Texts from outside are read in linear time, whatever they repeat.
import { test } from 'vitest';
import { readTexts } from '../../../main/services/pictures/read';
import { expectLinear } from '../../support/growth';

const line = '\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model: a';
const times = (n: number, piece: (i: number) => string, between = ''): string => Array.from({ length: n }, (_, i) => piece(i)).join(between);

/** What a `parameters` text of n pieces is. */
const texts: Record<string, (n: number) => string> = {
  'tags of one LoRA': (n) => '<lora:a:1>'.repeat(n) + line,
  'tags of many LoRAs': (n) => times(n, (i) => `<lora:a${i}:1>`) + line,
  'hypernetworks': (n) => times(n, (i) => `<hypernet:a${i}:1>`) + line,
  'hashes of LoRAs': (n) => `x${line}, Lora hashes: "${times(n, (i) => `a${i}: abcdef012345`, ', ')}"`,
  'hashes in JSON': (n) => `x${line}, Hashes: {${times(n, (i) => `"lora:a${i}": "abcdef0123"`, ', ')}}`,
  'braces within braces': (n) => `x${line}${', ab: {'.repeat(n)}${'}'.repeat(n)}x`,
  'brackets that never close': (n) => `x${line}${', ab: ['.repeat(n)}`,
  'pairs of one key': (n) => `x${line}${', ab: 1'.repeat(n)}`,
  'modules': (n) => `x${line}${times(n, (i) => `, Module ${i}: a${i}`)}`,
  'quotes that never close': (n) => `x${line}${', ab: "\\"'.repeat(n)}`,
};

test.each(Object.entries(texts))('%s', (_, text) => expectLinear((n) => readTexts({ texts: new Map([['parameters', text(n)]]), width: 64, height: 64 }), 500));
