// The folder with wildcards: text, YAML and JSON as people's collections have them, and files that are broken.
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { wildcardFolder } from '../../../main/services/prompts/wildcard-files';
import { scratchFolder } from '../../support/checkpoints';
import { expectLinear, processorMs } from '../../support/growth';

let folder: string, open: ReturnType<typeof wildcardFolder>;
beforeEach(() => { folder = scratchFolder(); open = wildcardFolder(folder); });
const write = (name: string, text: string | Uint8Array): string => {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
};
const lines = (name: string): Promise<readonly string[] | null> => open().lines(name);

const collection = `# A collection as they are shared
clothing:
  - T-shirt
  - "{red|blue} pants"   # quoted, as YAML needs it
  - 3::shoes
  - yes
  - 1990
  - {text: hat, weight: 2.5}
  - content: scarf
  -
artists:
  finnish: [Akseli Gallen-Kallela, Eero Järnefelt]
  dutch:
    old:
      - Rembrandt
  one: Vincent
  nobody:
  none: ~
prompts:
  toy:
    - |
      # Usage: __prompts/toy(figure=elephant)__
      cute \${figure} plush toy,   # soft
      realistic texture
`;

describe('YAML', () => {
  it.each<[string, string[] | null]>([
    ['clothing', ['T-shirt', '{red|blue} pants', '3::shoes', 'yes', '1990', '2.5::hat', 'scarf']],
    ['artists/finnish', ['Akseli Gallen-Kallela', 'Eero Järnefelt']], ['artists/*', ['Akseli Gallen-Kallela', 'Eero Järnefelt', 'Rembrandt', 'Vincent']],
    ['Artists/Dutch/OLD', ['Rembrandt']], ['old', ['Rembrandt']], ['artists/one', ['Vincent']], ['artists/nobody', null], ['artists/none', null], ['artists', null], ['collection', null],
    ['prompts/toy', ['cute ${figure} plush toy, realistic texture']],
  ])('__%s__', async (name, want) => {
    write('collection.yaml', collection);
    expect(await lines(name)).toEqual(want);
  });
  it('in a folder stands below its name, and is found without it', async () => {
    write('pack/more/people.yml', 'hair:\n  short: [bob]\n');
    expect([await lines('pack/more/hair/short'), await lines('hair/short'), await lines('short'), await lines('people/hair/short')]).toEqual([['bob'], ['bob'], ['bob'], null]);
  });
  it('of nothing but a list is called by its file', async () => {
    write('sub/seasons.yaml', '- spring\n- summer\n');
    expect(await lines('sub/seasons')).toEqual(['spring', 'summer']);
  });
  it('may name a key twice, and refer to what it said before', async () => {
    write('a.yaml', 'a: &x [1]\nb: *x\na: [2]\n');
    expect([await lines('a'), await lines('b')]).toEqual([['2'], ['1']]);
  });
});

test('JSON, tabs and all, and text beside it', async () => {
  write('j.json', '{\n\t"clothing": ["T-shirt", 7],\n\t"artists": { "finnish": ["Eero"] }\n}');
  write('artists/french.txt', 'Claude # Monet\n\n');
  expect([await lines('clothing'), await lines('artists/*')]).toEqual([['T-shirt', '7'], ['Claude', 'Eero']]);
});

test('text in the encodings of old editors', async () => {
  write('utf8.txt', Buffer.from('\ufeffcafé\nthé'));
  write('latin.txt', Buffer.from('caf\xe9\r\nth\xe9', 'latin1'));
  write('windows.txt', Buffer.from('\x80 \x93caf\xe9\x94', 'latin1'));
  write('wide.txt', Buffer.from('\ufeffcafé\nthé', 'utf16le'));
  for (const name of ['utf8', 'latin', 'wide']) expect(await lines(name)).toEqual(['café', 'thé']);
  expect(await lines('windows')).toEqual(['€ “café”']);
});

describe('a file that cannot be read', () => {
  it.each<[string, string, RegExp]>([
    ['an unquoted choice', '- {red|blue} hair\n', /line 1/], ['tabs', 'a:\n\t- x\n', /[Tt]abs/], ['a missing quote', '- "x\n', /quote/],
    ['references that multiply', `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghij'].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefghi'[i]!}`).join(',')}]\n`).join('')}`, /alias/i],
    ['lists without end', '['.repeat(100_000), /stack|Flow|line/],
  ])('of %s is named once, and the others count', async (_, text, why) => {
    write('bad.yaml', text);
    write('good.txt', 'x');
    const wildcards = open();
    expect([await wildcards.lines('good'), await wildcards.lines('bad')]).toEqual([['x'], null]);
    expect(wildcards.unreadable).toEqual([{ code: 'wildcard.unreadable', data: { file: 'bad.yaml', detail: expect.stringMatching(why) } }]);
  });
  it('of JSON and of 40 MB', async () => {
    write('bad.json', '{"a": [');
    write('huge.yaml', Buffer.alloc(40 << 20, '#'));
    const wildcards = open();
    await wildcards.lines('a');
    expect(wildcards.unreadable).toMatchObject([{ code: 'wildcard.unreadable', data: { file: 'bad.json' } }, { code: 'wildcard.tooLarge', data: { file: 'huge.yaml' } }]);
  });
  it('holding itself ends', async () => {
    write('self.yaml', 'a: &a\n  b: *a\n  c: [x]\n');
    expect(await lines('a/c')).toEqual(['x']);
  });
  it('is not spoken of where no wildcard is asked for', () => {
    write('bad.yaml', '- "x\n');
    expect(open().unreadable).toEqual([]);
  });
});

test('an edited file counts at once, one that is the same is parsed once', async () => {
  const path = write('a.yaml', 'a: [one]\n');
  expect(await lines('a')).toEqual(['one']);
  utimesSync(path, new Date(1e12), new Date(1e12));
  expect(await lines('a')).toEqual(['one']);
  write('a.yaml', 'a: [three]\n');
  expect(await lines('a')).toEqual(['three']);
});

/** YAML of n lists, 14 KB each. */
const large = (n: number): string => Array.from({ length: n }, (_, k) => `key${k}:\n${Array.from({ length: 200 }, (_, i) => `  - some long value number ${i}, with "{2::a|b}" in it, and still more\n`).join('')}`).join('');

test('a collection of 7 MB is parsed once', async () => {
  write('big.yaml', large(500));
  expect(await lines('key*')).toHaveLength(100_000);
  const parsing = await processorMs(() => wildcardFolder(folder)().lines('key499'));
  expect(await processorMs(() => lines('key499'))).toBeLessThan(parsing / 10);
});
test.each<[string, string, (n: number) => string]>([['lists', 'key0', large], ['open lists', 'a', (n) => '['.repeat(1000 * n)], ['quotes', 'a', (n) => `a: ["${'\\"'.repeat(1000 * n)}`]])('a collection of many %s takes linear time', (_, name, text) =>
  expectLinear((n) => { write('big.yaml', text(n)); return wildcardFolder(folder)().lines(name); }, 12));
