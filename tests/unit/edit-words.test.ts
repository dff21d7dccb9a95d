// An edit by words as it is typed, in the window and in the terminal, and as a picture says it.
import { describe, expect, test } from 'vitest';
import { editFrom, type EditValues } from '../../main/cli/generate-edit';
import { parametersText } from '../../main/services/pictures/parameters';
import { readParameters } from '../../main/services/pictures/read/a1111';
import { JobSpec } from '../../preload/contract/job';
import { onlyText, parseOnly, parseWeights, weightsText } from '../../renderer/generate/edit-words';
import { job } from '../support/pictures';

const none: EditValues = { edit: undefined, 'edit-word': [], 'edit-only': [], 'edit-cross': undefined, 'edit-self': undefined, 'edit-threshold': undefined };
const like = { prompt: 'a red house', negative: 'fog' };

describe('in the terminal', () => {
  test('the picture of --from is the source, with all that was not said as usual', () => {
    expect(editFrom({ ...none, edit: 'a blue house' }, like)).toEqual({ prompt: 'a blue house', edit: { source: like, cross: 0.8, self: 0.4 } });
    expect(editFrom(none, like)).toEqual({});
  });
  test('words weigh, and say where it may change', () => {
    const { edit } = editFrom({ ...none, edit: 'a blue cat', 'edit-word': ['blue:2', 'a:b:-0.5'], 'edit-only': ['house=cat', 'red=blue', 'a'], 'edit-cross': 1, 'edit-self': 0, 'edit-threshold': 0.5 }, like);
    expect(edit).toEqual({ source: like, cross: 1, self: 0, words: [{ text: 'blue', weight: 2 }, { text: 'a:b', weight: -0.5 }], blend: { source: ['house', 'red', 'a'], edited: ['cat', 'blue', 'a'], threshold: 0.5 } });
  });
  test('of an edited picture, the one that it was made from stays the source', () => {
    expect(editFrom({ ...none, edit: 'a green house' }, { prompt: 'a blue house', edit: { source: like, cross: 0.5, self: 0.5 } }).edit!.source).toEqual(like);
  });
  test.each(['blue', 'blue:', ':2', 'blue:two'])('%j has no weight', (value) => { expect(() => editFrom({ ...none, edit: 'x', 'edit-word': [value] }, like)).toThrow(expect.objectContaining({ code: 'usage' }) as Error); });
});

describe('in the window', () => {
  test.each<[string, ReturnType<typeof parseWeights>]>([
    ['blue:2, old house: -0.5', [{ text: 'blue', weight: 2 }, { text: 'old house', weight: -0.5 }]], [' , ', undefined], ['blue', null], ['blue:2, house', null], ['blue:99', null],
  ])('weights %j', (text, words) => {
    expect(parseWeights(text)).toEqual(words);
    if (words) expect(parseWeights(weightsText(words))).toEqual(words);
  });
  test.each<[string, ReturnType<typeof parseOnly>]>([
    ['house, cat = dog', { source: ['house', 'cat'], edited: ['house', 'dog'], threshold: 0.3 }], ['', undefined], ['a=b=c', null], ['=b', null],
  ])('places %j', (text, blend) => {
    expect(parseOnly(text)).toEqual(blend);
    if (blend) expect(parseOnly(onlyText(blend))).toEqual(blend);
  });
});

describe('in a picture', () => {
  const edit = { source: { prompt: 'a "red", house: {x}\nSteps: 3', negative: '' }, cross: 0.8, self: 0.4, words: [{ text: 'blue', weight: 2, cross: 0.5 }], blend: { source: ['house'], edited: ['house'], threshold: 0.3 } };
  test("A1111's text has it under a name of its own, and gives it back", () => {
    expect(readParameters(parametersText(job({ edit }), { version: '1' })).job).toMatchObject({ edit, prompt: job().prompt, steps: job().steps });
  });
  test.each(['x', '{}', '{"source": 1}', '[]'])('what is no edit is left as it stands: %s', (value) => {
    const { job: read } = readParameters(`a\nSteps: 20, Sampler: Euler, Seed: 1, Prompt to prompt: ${value}`);
    expect(read.edit).toBeUndefined();
    expect(Object.keys(read.extra)).toEqual(['Prompt to prompt']);
  });
  test('a picture that begins from another has none', () => {
    expect(JobSpec.safeParse({ ...job({ kind: 'img2img', init: 'a'.repeat(64), strength: 0.5 }), edit }).error?.issues[0]).toMatchObject({ path: ['edit'] });
  });
});
