// ComfyUI's prompt language: what its brackets weigh, where its chunks end, and how embeddings are called up.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { chunkComfy, comfyNames, comfyStretches } from '../../../main/engine/text/comfy-words';
import { WordIndex, type Embedding, type FindEmbedding } from '../../../main/engine/text/embeddings';
import { Tokenizer } from '../../../main/engine/text/tokenizer';
import { clipMerges } from '../../../main/worker/tokenizer-vocabulary';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear } from '../../support/growth';

const clip = new Tokenizer(await clipMerges());
const weights = (prompt: string) => comfyStretches(prompt).map(({ text, weight }) => [text, Number(weight.toFixed(6))]);

describe('weights', () => {
  test.each<[string, [string, number][]]>([
    ['(foo)', [['foo', 1.1]]],
    ['(foo)(bar)', [['foo', 1.1], ['bar', 1.1]]],
    ['(foo:2.0)', [['foo', 2]]],
    ['((foo))', [['foo', 1.21]]],
    ['((foo):1.1)', [['foo', 1.21]]],
    ['((foo:1.1))', [['foo', 1.1]]],
    ['(foo:0.0)', [['foo', 0]]],
    ['((foo:1.0):0.0)', [['foo', 1]]],
    ['foo ((((lol (cat:666) attack:100)))) baz', [['foo ', 1], ['lol ', 100], ['cat', 666], [' attack', 100], [' baz', 1]]],
    ['foo ((((lol (cat:666) attack):100))) baz', [['foo ', 1], ['lol ', 110], ['cat', 666], [' attack', 110], [' baz', 1]]],
    ['a [b] [c:d:0.5] [e|f]', [['a [b] [c:d:0.5] [e|f]', 1]]],
    ['a BREAK b AND c # d', [['a BREAK b AND c # d', 1]]],
    ['\\(plain\\) (\\(loud\\):1.3)', [['(plain) ', 1], ['(loud)', 1.3]]],
    ['a (b', [['a ', 1], ['(b', 1]]],
    ['(a (b)', [['a ', 1.1], ['(b', 1.1]]],
    ['a) (b) c', [['a) (b) c', 1]]],
    ['(a:b)', [['a:b', 1.1]]],
    ['(a:-0.5)(b: .5 )(c:1e1)(:2)()', [['a', -0.5], ['b', 0.5], ['c', 10], [':2', 1.1]]],
    ['a 🎨 (猫:1.2)', [['a 🎨 ', 1], ['猫', 1.2]]],
    ['', []],
  ])('%s', (prompt, want) => { expect(weights(prompt)).toEqual(want); });

  it('are what the recursion of sd1_clip.py gives, for brackets of any kind', () => {
    const parentheses = (text: string): string[] => {
      const result: string[] = [];
      let item = '', level = 0;
      for (const char of text) {
        if (char === '(') {
          if (level === 0) { if (item) result.push(item); item = '('; } else item += char;
          level++;
        } else if (char === ')') {
          level--;
          if (level === 0) { result.push(`${item})`); item = ''; } else item += char;
        } else item += char;
      }
      return item ? [...result, item] : result;
    };
    const tokenWeights = (text: string, current: number): [string, number][] => parentheses(text).flatMap((x): [string, number][] => {
      if (x.length < 2 || !x.endsWith(')') || !x.startsWith('(')) return [[x, current]];
      const inner = x.slice(1, -1), colon = inner.lastIndexOf(':'), given = inner.slice(colon + 1).trim();
      return colon > 0 && given !== '' && !Number.isNaN(Number(given)) ? tokenWeights(inner.slice(0, colon), Number(given)) : tokenWeights(inner, current * 1.1);
    });
    const prompts = fc.array(fc.constantFrom('(', ')', ':', '1.2', 'a', ' ', 'cat', '(b:', ':0.5)', '.'), { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(fc.property(prompts, (prompt) => { expect(comfyStretches(prompt).map(({ text, weight }) => [text, weight])).toEqual(tokenWeights(prompt, 1)); }), { numRuns: fuzzRuns(2000) });
  });

  it('are finite for any text', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.constantFrom('(', ')', ':', '9', 'e', '\\', 'embedding:', ',', '<', ' ', '\0'), { maxLength: 60 }).map((parts) => parts.join('')));
    fc.assert(fc.property(texts, (text) => { for (const { weight } of comfyStretches(text)) expect(Number.isFinite(weight)).toBe(true); }), { numRuns: fuzzRuns(1000) });
  });
  it.each<[string, (n: number) => string]>([
    ['brackets in each other', (n) => '('.repeat(n / 2) + ')'.repeat(n / 2)], ['open brackets', (n) => '('.repeat(n)], ['closing brackets', (n) => ')'.repeat(n)], ['digits', (n) => `(a:${'1'.repeat(n)}x)`],
    ['commas of a word', (n) => `embedding:${','.repeat(n)}x`], ['trained words', (n) => 'embedding:a '.repeat(n / 12)], ['spaces', (n) => `(${' '.repeat(n)}:x)`],
  ])('take linear time for %s', (_, text) => expectLinear((n) => chunkComfy(text(n), clip), 12_000));
});

describe('chunks', () => {
  const lengths = (prompt: string) => chunkComfy(prompt, clip).chunks.map(({ ids }) => ids.filter((id) => id !== clip.startId && id !== clip.endId).length);
  const cats = (n: number, word = 'cat') => Array<string>(n).fill(word).join(' ');

  it('of an empty prompt are one, of end tokens', () => {
    expect(chunkComfy('', clip)).toEqual({ tokenCount: 0, missing: [], chunks: [{ ids: [clip.startId, ...Array(76).fill(clip.endId)], multipliers: Array(77).fill(1) }] });
  });
  it('tear a long stretch where they are full, whatever commas say', () => {
    expect(lengths(cats(75))).toEqual([75]);
    expect(lengths(cats(76))).toEqual([75, 1]);
    expect(lengths(`${cats(70)}, a red dog on a hill`)).toEqual([75, 2]);
    expect(lengths(cats(151))).toEqual([75, 75, 1]);
  });
  it('move a stretch of fewer than 8 tokens on as a whole, and tear one of 8', () => {
    expect(lengths(`${cats(70)} (${cats(7, 'dog')})`)).toEqual([70, 7]);
    expect(lengths(`${cats(70)} (${cats(8, 'dog')})`)).toEqual([75, 3]);
    expect(lengths(`${cats(75)} (${cats(8, 'dog')})`)).toEqual([75, 8]);
    expect(lengths(`${cats(70)} (${cats(7, 'dog')}) (${cats(69)}) ${cats(3)}`)).toEqual([70, 75, 4]);
    expect(chunkComfy(`${cats(70)} (${cats(7, 'dog')})`, clip).tokenCount).toBe(82);
  });
  it('do not end at a BREAK', () => {
    const { chunks } = chunkComfy('cat BREAK dog', clip);
    expect(chunks.map(({ ids }) => clip.decode(ids.slice(1, 4)))).toEqual(['cat break dog ']);
  });
  it('give each token its weight, and 1 to start, end and fill', () => {
    const [{ ids, multipliers }] = chunkComfy('a (red dog:1.5) (b:0.5)', clip).chunks as [{ ids: number[]; multipliers: number[] }];
    expect(ids.slice(0, 6)).toEqual([clip.startId, ...clip.encode('a red dog b'), clip.endId]);
    expect(multipliers).toEqual([1, 1, 1.5, 1.5, 0.5, ...Array(72).fill(1)]);
  });
  it('lose no token of any prompt', () => {
    const prompt = fc.array(fc.constantFrom('cat', ',', ' ', ' dog', '(', ')', ':1.3)', ' masterpiece, best quality', '猫'), { maxLength: 200 }).map((parts) => parts.join(''));
    fc.assert(fc.property(prompt, (text) => {
      const { chunks } = chunkComfy(text, clip);
      for (const { ids, multipliers } of chunks) expect([ids.length, multipliers.length, ids[0], ids[76]]).toEqual([77, 77, clip.startId, clip.endId]);
      expect(chunks.flatMap(({ ids }) => ids.filter((id) => id !== clip.startId && id !== clip.endId))).toEqual(comfyStretches(text).flatMap((stretch) => clip.encode(stretch.text)));
    }), { numRuns: fuzzRuns(300) });
  });
});

describe('embeddings', () => {
  const embedding = (name: string, count: number): Embedding => ({ name, hash: name, count, vectors: new Map() });
  const finder = (...all: Embedding[]): FindEmbedding => {
    const words = new WordIndex(all.map(({ name }) => name), (text) => clip.encode(text));
    return (ids, at) => { const found = words.find(ids, at); return found && { word: all.find(({ name }) => name === found.word)!, length: found.length }; };
  };
  const find = finder(embedding('EasyNegative', 3), embedding('bad_hands-5', 2), embedding('bad', 1), embedding('long', 12));
  const placed = (prompt: string) => {
    const { chunks, missing } = chunkComfy(prompt, clip, find);
    return { words: chunks.map(({ ids, multipliers, inserts = [] }) => [clip.decode(ids.slice(1, ids.indexOf(clip.endId)).filter((id) => id !== 0)).trim(), ...inserts.map(({ at, embedding: { name } }) => `${name} at ${at}, ${multipliers[at]}`)]), missing };
  };

  it.each<[string, string[]]>([
    ['embedding:EasyNegative', ['', 'EasyNegative at 1, 1']],
    ['a (embedding:easynegative:1.2) b', ['a b', 'EasyNegative at 2, 1.2']],
    ['x, embedding:bad_hands-5, y', ['x , , y', 'bad_hands-5 at 3, 1']],
    ['x\nembedding:sub\\folder/bad_hands-5.pt y', ['x y', 'bad_hands-5 at 2, 1']],
    ['embedding:bad embedding:EasyNegative.safetensors', ['', 'bad at 1, 1', 'EasyNegative at 2, 1']],
    ['embedding:bad<lora:x:1> z', ['< lora : x : 1 > z', 'bad at 1, 1']],
  ])('%s', (prompt, words) => { expect(placed(prompt)).toEqual({ words: [words], missing: [] }); });
  it('need the prefix at the start or behind space', () => {
    expect(placed('EasyNegative').words[0]).toHaveLength(1);
    expect(placed('x,embedding:EasyNegative').words[0]).toHaveLength(1);
    expect(placed('embedding: ').words).toEqual([['embedding :']]);
  });
  it('that are not there are no text, but what follows them is', () => {
    expect(placed('a embedding:nobody, b')).toEqual({ words: [['a , b']], missing: ['nobody'] });
    expect(placed('a embedding:sub/nobody.pt b')).toEqual({ words: [['a b']], missing: ['nobody'] });
    expect(placed('embedding:bad_hands')).toEqual({ words: [['']], missing: ['bad_hands'] });       // another's beginning is not its name
  });
  it('stay whole', () => {
    const places = (prompt: string) => chunkComfy(prompt, clip, find).chunks.map(({ inserts = [] }) => inserts.map(({ at }) => at));
    expect(places(`${'cat '.repeat(63)}embedding:long`)).toEqual([[64]]);
    expect(places(`${'cat '.repeat(64)}embedding:long`)).toEqual([[], [1]]);
  });
  it('are looked for by the names that their files may have', () => {
    expect(comfyNames('embedding:a, (embedding:s/b.pt:1.2) embedding:c,, d')).toEqual(['a,', 'a', 'b', 'c,,', 'c']);
  });
});
