// Which tokens of an edited prompt stand where those of its source stood, on CLIP's own tokens.
import { describe, expect, test } from 'vitest';
import { chunkPrompt, type Chunk } from '../../../main/engine/text/chunks';
import type { Embedding } from '../../../main/engine/text/embeddings';
import { Tokenizer } from '../../../main/engine/text/tokenizer';
import { alignWords, placesOf } from '../../../main/engine/text/word-alignment';
import { clipMerges } from '../../../main/worker/tokenizer-vocabulary';

const clip = new Tokenizer(await clipMerges());
const chunks = (prompt: string): readonly Chunk[] => chunkPrompt(prompt, clip).chunks;
/** Of each token up to the end token, the source's as `place` or `place*share`. */
function taken(source: string, edited: string): string[] {
  const all = alignWords(chunks(source), chunks(edited), clip), end = clip.encode(edited).length + 1;
  return all.slice(0, end + 1).map((from) => from.map(({ place, share }) => (share === 1 ? String(place) : `${place}*${+share.toFixed(3)}`)).join(' '));
}

test('the same prompt takes everything from itself', () => {
  const prompt = chunks(`a xylophone, (red:1.3) house BREAK on grass`);
  expect(alignWords(prompt, prompt, clip)).toEqual(Array.from({ length: 154 }, (_, place) => [{ place, share: 1 }]));
});

test.each<[string, string, string, string[]]>([
  ['a word swap', 'a red house on grass', 'a blue house on grass', ['0', '1', '2', '3', '4', '5', '6']],
  ['a refinement: new words are their own, the words behind them stay aligned', 'a house on grass', 'a house with a garden on grass', ['0', '1', '2', '', '', '', '3', '4', '5']],
  ['words at the end', 'a house', 'a house on grass', ['0', '1', '2', '', '', '3']],
  ['words taken away', 'a red house on green grass', 'a house on grass', ['0', '1', '3', '4', '6', '7']],
  ['two words in the place of one share it', 'a red house', 'a dark blue house', ['0', '1', '2*0.5', '2*0.5', '3', '4']],
  ['one word in the place of two has both', 'a dark blue house', 'a red house', ['0', '1', '2 3', '4', '5']],
  ['as many words for as many, one by one', 'red house', 'blue boat', ['0', '1', '2', '3']],
  ['nothing in common but its ends', 'cat', '', ['0', '2']],
])('%s', (_, source, edited, want) => {
  expect(taken(source, edited)).toEqual(want);
});

test('a word of several tokens is one word: it shares what the other has, and what is behind it stays aligned', () => {
  const count = clip.encode('xylophone').length;
  expect(count).toBeGreaterThan(1);
  const places = Array.from({ length: count }, (_, i) => 2 + i);
  expect(taken('a cat on grass', 'a xylophone on grass')).toEqual(['0', '1', ...places.map(() => `2*${+(1 / count).toFixed(3)}`), '3', '4', '5']);
  expect(taken('a xylophone on grass', 'a cat on grass')).toEqual(['0', '1', places.join(' '), ...[2, 3, 4].map((i) => String(count + i))]);
});

test('the fill takes from the fill at its place, and from no word', () => {
  const all = alignWords(chunks('a red house'), chunks('a house'), clip);                      // end tokens at 4 and 3
  expect(all[3]).toEqual([{ place: 4, share: 1 }]);
  expect(all[4]).toEqual([{ place: 4, share: 1 }]);
  expect(all[76]).toEqual([{ place: 76, share: 1 }]);
  const longer = alignWords(chunks('a house'), chunks('a red house'), clip);
  expect(longer.slice(4, 6)).toEqual([[{ place: 3, share: 1 }], [{ place: 5, share: 1 }]]);
  const shorter = alignWords(chunks('a red brick house'), chunks('a house'), clip);
  expect(shorter[4]).toEqual([]);
});

test('words find each other in other chunks; a chunk that the source has not is its own', () => {
  const all = alignWords(chunks('a house on grass'), chunks('a house BREAK on grass'), clip);
  expect(all.slice(77, 81)).toEqual([[], [{ place: 3, share: 1 }], [{ place: 4, share: 1 }], []]);
  expect(all).toHaveLength(154);
});

describe('where a prompt has a word', () => {
  test.each<[string, string, number[]]>([
    ['house', 'a red house on grass', [3]], ['House', 'a (red house:1.2) on grass, house', [3, 7]], ['red house', 'a red house, a house red', [2, 3]], ['house', 'greenhouse houses', []],
    ['grass', 'a house BREAK on grass', [79]], ['', 'a house', []], [' , ', 'a, b', [2]],
  ])('%j in %j', (word, prompt, places) => { expect(placesOf(word, chunks(prompt), clip)).toEqual(places); });

  test('trained words are one word each, by their names', () => {
    const embedding: Embedding = { name: 'My Style', hash: 'f00', count: 3, vectors: new Map() };
    const name = clip.encode('my style'), find = (ids: readonly number[], at: number) => (name.every((id, i) => ids[at + i] === id) ? { word: embedding, length: name.length } : undefined);
    const withStyle = (prompt: string): readonly Chunk[] => chunkPrompt(prompt, clip, undefined, { find }).chunks;
    expect(placesOf('my style', withStyle('a my style house'), clip)).toEqual([2, 3, 4]);
    expect(placesOf('house', withStyle('a my style house'), clip)).toEqual([5]);
    const all = alignWords(withStyle('a my style house'), withStyle('my style house'), clip);
    expect(all.slice(1, 5).map((from) => from[0]!.place)).toEqual([2, 3, 4, 5]);
  });
});
