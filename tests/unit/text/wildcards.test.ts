import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededShares } from '../../../main/engine/text/chance';
import { parseChoices } from '../../../main/engine/text/choices';
import { expandWildcards, matchesWildcard, wildcardLines, type WildcardLibrary } from '../../../main/engine/text/wildcards';
import { expectLinear } from '../../support/growth';

const files: Record<string, readonly string[]> = {
  colour: ['red', 'green', 'blue'], 'hair/long': ['long __colour__ hair'], 'hair/short': ['bob', '{pixie|crew} cut'], rare: ['1000::common', '0::never'],
  season: ['in ${season:spring}'], sets: ['${inner=x}in'],
  ping: ['__pong__'], pong: ['__ping__ __ping__'], hollow: [],
};
const library: WildcardLibrary = {
  lines: (name) => {
    const found = Object.keys(files).filter((file) => matchesWildcard(name, file));
    return Promise.resolve(found.length > 0 ? found.flatMap((file) => files[file]!) : null);
  },
};
const expand = async (text: string, seed = 1): Promise<string> => (await expandWildcards([text], seed, library)).texts[0]!;
const all = async (text: string, seeds = 200): Promise<string[]> => [...new Set(await Promise.all(Array.from({ length: seeds }, (_, seed) => expand(text, seed))))].sort();

describe('choices', () => {
  it.each<[string, string[]]>([
    ['a {red|blue} house', ['a blue house', 'a red house']],
    ['{a{1|2}|b}', ['a1', 'a2', 'b']],
    ['{1::a|0::b}', ['a']],
    ['{|very }old', ['old', 'very old']],
    ['{2$$a|b}', ['a, b', 'b, a']],
    ['{2$$ and $$a|b}', ['a and b', 'b and a']],
    ['{1-2$$, $$a|b}', ['a', 'a, b', 'b', 'b, a']],
    ['{-1$$a|b}', ['a', 'b']],
    ['{2-$$a|b}', ['a, b', 'b, a']],
    ['{9$$a|b}', ['a, b', 'b, a']],
    ['{0$$a|b}c', ['c']],
    ['{2$$__colour__}', ['blue, green', 'blue, red', 'green, blue', 'green, red', 'red, blue', 'red, green']],
    ['__colour__', ['blue', 'green', 'red']],
    ['__COLOUR__ x__colour__y', ['blue', 'green', 'red'].flatMap((a) => ['blue', 'green', 'red'].map((b) => `${a} x${b}y`))],
    ['__hair/long__', ['long blue hair', 'long green hair', 'long red hair']],
    ['__hair/*__', ['bob', 'crew cut', 'long blue hair', 'long green hair', 'long red hair', 'pixie cut']],
    ['__rare__', ['common']],
  ])('%s', async (text, want) => expect(await all(text)).toEqual(want));

  it.each<[string, string[]]>([
    ['[{2$$|$$a|b}]', ['[a|b]', '[b|a]']],
    ['{2$$ | $$a|b}', ['a | b', 'b | a']],
    ['{~a|b} {@c|d} {!1$$e}', ['a c e', 'a d e', 'b c e', 'b d e']],
    ['__~colour__ __@rare__', ['blue common', 'green common', 'red common']],
    ['__hair\\\\short__', ['bob', 'crew cut', 'pixie cut']],
    ['__hair/sh?rt__', ['bob', 'crew cut', 'pixie cut']],
    ['__**/short__', ['bob', 'crew cut', 'pixie cut']],
  ])('as people write them: %s', async (text, want) => expect(await all(text)).toEqual(want));

  it('follows the weights', async () => {
    const drawn = await Promise.all(Array.from({ length: 2000 }, (_, seed) => expand('{3::a|b}', seed)));
    expect(drawn.filter((text) => text === 'a').length / 2000).toBeCloseTo(0.75, 1);
  });

  it.each(['{nothing to choose}', 'a } b', '{a|b', '[a|b]', '\\{a|b\\}', '{{artist}}', 'a # {b|c}', 'snake_case', 'a __ b', '____', '{'.repeat(500), 'a_{__b_'])('leaves %s as it is', async (text) =>
    expect(await expand(text)).toBe(text));
});

describe('variables', () => {
  it.each<[string, string[]]>([
    ['${c=!__colour__}${c} ${c}', ['blue blue', 'green green', 'red red']],
    ['${c=!{a|b}}${c}${c}', ['aa', 'bb']],
    ['${c={a|b}}${c}${c}', ['aa', 'ab', 'ba', 'bb']],
    ['${ c } ${c:x}${c=y}', ['y y']],
    ['${c:{a|b}}', ['a', 'b']],
    ['${c=a}${c?=b}${c}', ['a']],
    ['${c?=b}${c}', ['b']],
    ['${natural-feature=hills}${natural-feature:mountains}', ['hills']],
    ['__season__', ['in spring']],
    ['__season(season=winter)__', ['in winter']],
    ['__season(season={a|b}, other=x)__', ['in a', 'in b']],
    ['${season=winter}{1$$__season__}', ['in winter']],
    ['{1$$__season(season=winter)__}', ['in winter']],
    ['__sets__ ${inner:out}', ['in out']],
  ])('%s', async (text, want) => expect(await all(text, 60)).toEqual(want));

  it.each(['${', '${}', '${a b}', '${1}', '${a|b}', '$a', '$', '100$ {', '${a', '${=x}'])('leaves %s as it is', async (text) => expect(await expand(text)).toBe(text));

  it('that nothing sets stay as text, with a notice', async () => {
    expect(await expandWildcards(['a ${c}'], 1, library)).toEqual({ texts: ['a ${c}'], notices: [{ code: 'variable.missing', data: { name: '${c}' } }] });
  });
  it('that mean each other end', async () => {
    const { texts, notices } = await expandWildcards(['${a=${b}}${b=${a}}${a}'], 1, library);
    expect(texts).toEqual(['${a}']);
    expect(notices).toEqual([{ code: 'wildcard.circle', data: { name: '${a}', circle: '${a} → ${b} → ${a}' } }]);
  });
  it('that double without end are bounded', async () => {
    let looked = 0;
    const counted: WildcardLibrary = { lines: (name) => { looked++; return library.lines(name); } };
    const doubling = `${Array.from({ length: 30 }, (_, i) => `\${v${i}=\${v${i + 1}}\${v${i + 1}}}`).join('')}\${v30=__colour__}\${v0}`.replace(/v(\d+)/g, (_, n: string) => 'v' + 'x'.repeat(Number(n)));
    const { notices } = await expandWildcards([doubling], 1, counted);
    expect(notices.map(({ code }) => code)).toContain('wildcard.endless');
    expect(looked).toBeGreaterThan(100);
    expect(looked).toBeLessThan(10_000);       // all would be 2³⁰
  });
});

describe('a seed', () => {
  it('makes the same choices always: these are pinned, since pictures are made again from them', async () => {
    expect(await Promise.all([0, 1, 2, 2 ** 40].map((seed) => expand('{a|b|c|d} __colour__', seed)))).toMatchInlineSnapshot(`
      [
        "c blue",
        "c blue",
        "c blue",
        "d red",
      ]
    `);
  });
  it('spreads evenly, neighbours as well as strangers', () => {
    const counts = [0, 0, 0, 0];
    for (let seed = 0; seed < 4000; seed++) counts[Math.floor(seededShares(seed)() * 4)]!++;
    for (const count of counts) expect(count).toBeGreaterThan(900);
  });
});

describe('notices', () => {
  it('names a wildcard that is not there and leaves it as text', async () => {
    const { texts, notices } = await expandWildcards(['__nowhere__ {a}', '__hollow__'], 1, library);
    expect(texts).toEqual(['__nowhere__ {a}', '__hollow__']);
    expect(notices).toEqual(['__nowhere__', '__hollow__'].map((name) => ({ code: 'wildcard.missing', data: { name } })));
  });
  it('ends where files name each other in a circle', async () => {
    const { texts, notices } = await expandWildcards(['__ping__'], 1, library);
    expect(texts[0]!.length).toBeLessThan(200_000);
    expect(notices).toContainEqual({ code: 'wildcard.circle', data: { name: expect.stringMatching(/^__p[io]ng__$/), circle: expect.stringMatching(/^__p[io]ng__ → __p[io]ng__ → __p[io]ng__$/) } });
  });
});

describe('files', () => {
  it('skips empty lines and comments', () => expect(wildcardLines('red\r\n\n  # none\n blue \r#x\ngreen # as grass')).toEqual(['red', 'blue', 'green']));
  it.each([['a*', 'abc', true], ['*c', 'abc', true], ['a*c*', 'abcd', true], ['a/*', 'a/b/c', true], ['a', 'ab', false], ['*a', 'ab', false], ['A', 'a', true], ['', '', true], ['*', '', true], ['a?c', 'abc', true], ['a?', 'a', false]])(
    '%s matches %s: %s', (pattern, name, want) => expect(matchesWildcard(pattern, name)).toBe(want));
  it('matches in linear time', () => expect(matchesWildcard(`${'*a'.repeat(90)}b`, 'a'.repeat(5000))).toBe(false));
});

describe('any text', () => {
  const pieces = fc.array(fc.constantFrom('{', '}', '|', '${', '${a=', '=!', '${a}', '__season(season=', '$$', '2$$', '1-2$$', '0.5::', '__', '__colour__', '__hair/*__', '\\', '#', '\n', ' ', 'a', '_', '🙂', '__ping__'), { maxLength: 40 }).map((parts) => parts.join(''));
  it('is expanded without a fault, and the same each time', () => fc.assert(fc.asyncProperty(pieces, fc.maxSafeNat(), async (text, seed) => {
    expect(await expand(text, seed)).toBe(await expand(text, seed));
  })));
  it('without choices and wildcards stays as it is', () => fc.assert(fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), pieces).map((text) => text.replace(/[|$]/g, '').replace(/__+/g, '_')), async (text) => {
    expect(await expand(text)).toBe(text);
  })));
  it.each<[string, (n: number) => string]>([['open choices', (n) => '{a|'.repeat(n)], ['choices', (n) => '{a|b}'.repeat(n)], ['underscores', (n) => '__a'.repeat(n)], ['braces in each other', (n) => '{'.repeat(n) + '}'.repeat(n)]])(
    'takes linear time for %s', (_, text) => expectLinear((n) => expand(text(n)), 4000));
  it('of a thousand braces is a text', () => expect(parseChoices('{'.repeat(1000))).toEqual([{ kind: 'text', text: '{'.repeat(1000) }]));
});
