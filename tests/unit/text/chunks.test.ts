import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAttention } from '../../../main/engine/text/attention';
import { chunkPrompt, padChunks } from '../../../main/engine/text/chunks';
import type { FindEmbedding } from '../../../main/engine/text/embeddings';
import { applyEmphasis } from '../../../main/engine/text/emphasis';
import { Tokenizer } from '../../../main/engine/text/tokenizer';
import { float32 } from '../../../main/engine/tensor';
import { clipMerges } from '../../../main/worker/tokenizer-vocabulary';

let clip: Tokenizer;
beforeAll(async () => { clip = new Tokenizer(await clipMerges()); });
const wordsIn = (ids: readonly number[]) => ids.filter((id) => id !== clip.startId && id !== clip.endId);

describe('chunks', () => {
  it('gives one chunk of end tokens for an empty prompt', () => {
    expect(chunkPrompt('', clip)).toEqual({ tokenCount: 0, chunks: [{ ids: [clip.startId, ...Array(76).fill(clip.endId)], multipliers: Array(77).fill(1) }] });
  });
  it('moves a phrase that a comma began nearby into the next chunk', () => {
    const prompt = `${'cat '.repeat(70)}, a red dog on a hill`;
    const [first, second] = chunkPrompt(prompt, clip).chunks;
    expect(clip.decode(wordsIn(second!.ids))).toBe('a red dog on a hill ');
    expect(first!.ids.filter((id) => id === clip.commaId)).toHaveLength(1);
    expect(clip.decode(wordsIn(chunkPrompt(prompt, clip, 0).chunks[1]!.ids))).toBe('a hill ');
  });
  it('starts a new chunk at BREAK', () => expect(chunkPrompt('cat BREAK dog', clip).chunks.map(({ ids }) => clip.decode(wordsIn(ids)))).toEqual(['cat ', 'dog ']));
  it('makes a chunk of what stands between BREAKs, at the ends too', () => {
    const lengths = (prompt: string) => chunkPrompt(prompt, clip).chunks.map(({ ids }) => wordsIn(ids).length);
    expect([lengths('BREAK'), lengths('a BREAK'), lengths('BREAK a'), lengths('BREAK BREAK a BREAK')]).toEqual([[0], [1], [0, 1], [0, 0, 1]]);
    expect(lengths(`${'cat '.repeat(75)}BREAK dog`)).toEqual([75, 1]);
    expect(lengths('aBREAK b')).toHaveLength(1);
  });
  it.each([[0, 1], [75, 1], [76, 2], [150, 2], [151, 3], [1000, 14]])('cuts %d tokens into %d chunks', (count, chunks) => {
    const cut = chunkPrompt('cat '.repeat(count), clip);
    expect([cut.tokenCount, cut.chunks.length]).toEqual([count, chunks]);
  });
  it('keeps the vectors of an embedding together, and with the phrase that a comma began', () => {
    const [word] = clip.encode('dog');
    const find: FindEmbedding = (ids, at) => (ids[at] === word ? { word: { name: 'dog', hash: '', count: 8, vectors: new Map() }, length: 1 } : undefined);
    const places = (prompt: string) => chunkPrompt(prompt, clip, 20, { find }).chunks.map(({ inserts = [] }) => inserts.map(({ at }) => at));
    expect(places(`${'cat '.repeat(67)}dog`)).toEqual([[68]]);                       // the last place where it fits
    expect(places(`${'cat '.repeat(68)}dog`)).toEqual([[], [1]]);
    expect(places(`${'cat '.repeat(64)}, a dog cat cat`)).toEqual([[], [2]]);        // 'a' and the embedding move on together
    expect(places(`${'cat '.repeat(50)}${'dog '.repeat(12)}`)).toEqual([[51, 59, 67], [1, 9, 17, 25, 33, 41, 49, 57, 65]]);
  });
  it('pads the shorter prompt with empty chunks', () => {
    const { chunks } = chunkPrompt('cat', clip);
    expect(padChunks(chunks, 3, clip).map(({ ids }) => wordsIn(ids).length)).toEqual([1, 0, 0]);
    expect(padChunks(chunks, 1, clip)).toEqual(chunks);
  });
  it('has 77 slots in every chunk and loses no token of any prompt', () => {
    const prompt = fc.array(fc.constantFrom('cat', ',', ' ', ' dog', '(', ')', ':1.3)', '[', ']', '猫', ' masterpiece, best quality'), { maxLength: 300 }).map((parts) => parts.join(''));
    fc.assert(fc.property(prompt, fc.nat(40), (text, backtrack) => {
      const { chunks } = chunkPrompt(text, clip, backtrack);
      for (const { ids, multipliers } of chunks) expect([ids.length, multipliers.length, ids[0], ids[76]]).toEqual([77, 77, clip.startId, clip.endId]);
      expect(wordsIn(chunks.flatMap(({ ids }) => ids))).toEqual(parseAttention(text).flatMap((piece) => clip.encode(piece.text)));
    }));
  });
  it('takes a prompt of 100,000 characters', () => expect(chunkPrompt('a small red house, '.repeat(5300), clip).chunks.length).toBeGreaterThan(300));
});

describe('emphasis on the encoder output', () => {
  const z = float32([1, 2, 2], Float32Array.of(1, 2, 3, 4));
  it('restores the mean', () => {
    const { data } = applyEmphasis(z, [[1, 2]]);
    expect((data[0]! + data[1]! + data[2]! + data[3]!) / 4).toBeCloseTo(2.5, 6);
    expect(data[2]! / data[0]!).toBeCloseTo(6, 6);
  });
  it('leaves the mean in no_norm', () => expect([...applyEmphasis(z, [[1, 2]], 'no_norm').data]).toEqual([1, 2, 6, 8]));
  it('takes the mean over all of the batch, with each entry as often as it counts', () => {
    const batch = float32([2, 1, 2], Float32Array.of(1, 2, 3, 4));
    expect(applyEmphasis(batch, [[2], [1]]).data[2]).toBeCloseTo(3 * 10 / 13, 6);
    expect(applyEmphasis(batch, [[2], [1]], 'original', [3, 1]).data[2]).toBeCloseTo(3 * 16 / 25, 6);
  });
  it('stays finite when the weighted mean is zero', () => expect([...applyEmphasis(z, [[0, 0]]).data]).toEqual([0, 0, 0, 0]));
});
