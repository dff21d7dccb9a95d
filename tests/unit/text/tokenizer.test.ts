import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { joinPairs, pairKey } from '../../../main/engine/text/byte-pair';
import { Tokenizer } from '../../../main/engine/text/tokenizer';
import { clipMerges } from '../../../main/worker/tokenizer-vocabulary';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear } from '../../support/growth';

let clip: Tokenizer;
beforeAll(async () => { clip = new Tokenizer(await clipMerges()); });

describe('vocabulary', () => {
  it('is the merge list that openai/CLIP ships, as a resource', async () => {
    const hash = createHash('sha256').update((await clipMerges()).join('\n')).digest('hex');
    expect(hash).toBe('f61f2adf497e6f5357c347aeb4646fabe82f341e946de5bdec5d2858e41bef4a');
  });
  it('has 49,408 entries, start and end last', () => {
    expect([clip.size, clip.startId, clip.endId, clip.commaId]).toEqual([49408, 49406, 49407, 267]);
  });
});

describe('encode', () => {
  it('gives the ids of the reference', () => {
    expect(clip.encode('a photo of a cat')).toEqual([320, 1125, 539, 320, 2368]);
    expect(clip.encode('')).toEqual([]);
  });
  it('ignores case and how much space there is', () => {
    expect(clip.encode('  A  PHOTO\n of\ta Cat ')).toEqual(clip.encode('a photo of a cat'));
  });
  it('reads repaired text: mojibake, curly quotes, references, full-width letters', () => {
    expect(clip.encode('cafÃ©')).toEqual(clip.encode('café'));
    expect(clip.encode('Itâ€™s “here”')).toEqual(clip.encode('it\'s "here"'));
    expect(clip.encode('fish &amp;amp; chips &eacute;')).toEqual(clip.encode('fish & chips é'));
    expect(clip.encode('ＬＯＵＤ　ｶﾞ')).toEqual(clip.encode('loud ガ'));
  });
  it('knows the special tokens when they are typed', () => {
    expect(clip.encode('a<|endoftext|>b')).toEqual([...clip.encode('a'), 49407, ...clip.encode('b')]);
  });
  it('takes any text and gives ids of the vocabulary', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      for (const id of clip.encode(text)) expect(id).toSatisfy((n: number) => Number.isInteger(n) && n >= 0 && n < 49406);
    }));
  });
  it('leaves out U+0345, which is no letter but whose capital is', () => expect(clip.encode('a \u0345!')).toEqual(clip.encode('a !')));
  it('takes lone surrogates', () => expect(clip.encode('a\ud800b')).toEqual(clip.encode('a\ufffdb')));
  /** Letters that are others each time, since the tokenizer knows words again. */
  let written = 0;
  const anew = (n: number): string => {
    let random = ++written;
    return Array.from({ length: n }, () => String.fromCharCode(97 + ((random = (Math.imul(random, 1103515245) + 12345) >>> 0) >>> 16) % 26)).join('');
  };
  it.each<[string, (n: number) => string]>([
    ['one word', anew], ['a word of one letter', (n) => `${'a'.repeat(n)}${anew(5)}`], ['no spaces', (n) => `${'猫犬鳥魚山川空海'.repeat(n / 8)}${anew(5)}`], ['mojibake', (n) => 'cafÃ© ðŸ˜€ '.repeat(n / 10)],
  ])('takes linear time for %s', (_, text) => expectLinear((n) => clip.encode(text(n)), 12_000));
  it.each<[string, string]>([['one word', 'qzjxkvbwpyghdtmn'.repeat(625)], ['no spaces', '猫犬鳥魚山川空海'.repeat(1250)], ['mojibake', 'cafÃ© ðŸ˜€ '.repeat(900)], ['nested references', `&${'amp;'.repeat(2500)}`]])(
    'has ids for %s', (_, text) => expect(clip.encode(text).length).toBeGreaterThan(0));
});

describe('decode', () => {
  it('undoes encode for plain words', () => {
    const word = fc.stringMatching(/^([a-z]{1,12}|[0-9]|猫|é|😀)$/);
    fc.assert(fc.property(fc.array(word), (list) => {
      expect(clip.decode(clip.encode(list.join(' ')))).toBe(list.map((each) => `${each} `).join(''));
    }));
  });
  it('shows a part of a character as U+FFFD and nothing for an unknown id', () => {
    expect(clip.decode([clip.encode('𠮷')[0]!])).toContain('\ufffd');
    expect(clip.decode([99999])).toBe('');
  });
});

describe('joinPairs', () => {
  /** As the paper has it: the best pair everywhere, then the next, on a plain list. */
  function plainly(symbols: number[], joins: Map<number, number>): number[] {
    for (;;) {
      const best = Math.min(...symbols.slice(1).map((right, i) => joins.get(pairKey(symbols[i]!, right)) ?? Infinity));
      if (best === Infinity) return symbols;
      const next: number[] = [];
      for (let i = 0; i < symbols.length; i++) {
        const hit = i + 1 < symbols.length && joins.get(pairKey(symbols[i]!, symbols[i + 1]!)) === best;
        next.push(hit ? best : symbols[i]!);
        if (hit) i++;
      }
      symbols = next;
    }
  }
  it('joins as the definition says, for any merges', () => {
    const cases = fc.record({ text: fc.array(fc.nat(3), { maxLength: 40 }), picks: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 20 }) });
    fc.assert(fc.property(cases, ({ text, picks }) => {
      const joins = new Map<number, number>();
      picks.forEach(([left, right], i) => {
        const key = pairKey(left % (4 + i), right % (4 + i));
        if (!joins.has(key)) joins.set(key, 4 + i);
      });
      expect([...joinPairs(Int32Array.from(text), joins)]).toEqual(plainly(text, joins));
    }), { numRuns: fuzzRuns(1000) });
  });
});
