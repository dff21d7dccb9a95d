// Command lines: what is understood, and that each mistake names its flag and the way out.
import { describe, expect, test } from 'vitest';
import { helpFor, nearest, parseCommand, type Command } from '../../../main/cli/args';
import { AppError } from '../../../main/engine/errors';
import { wordsFor } from '../../support/words';

const command = {
  name: 'paint', summary: 'Paints.', positional: '[FILE]',
  flags: {
    prompt: { kind: 'text', value: 'TEXT', help: 'what to paint' },
    steps: { kind: 'number', value: 'N', help: 'steps' },
    sampler: { kind: 'text', value: 'NAME', help: 'sampler', choices: ['euler', 'euler_a', 'heun'] },
    json: { kind: 'switch', help: 'JSON' },
  },
} as const satisfies Command;
const parse = (...args: string[]) => parseCommand(command, args);

function mistake(...args: string[]): { message: string; hint: string } {
  try {
    parse(...args);
  } catch (error) {
    if (error instanceof AppError && error.code === 'usage') return wordsFor(error);
    throw error;
  }
  throw new Error(`${args.join(' ')} was accepted`);
}

describe('understood', () => {
  test('text, numbers, switches and a word without a flag', () => {
    expect(parse('in.png', '--prompt', 'a red house', '--steps=12', '--json')).toEqual({ values: { prompt: 'a red house', steps: 12, json: true }, positional: 'in.png', help: false });
  });
  test('what is not given is undefined, a switch false', () => expect(parse().values).toEqual({ json: false }));
  test('a text that begins with a dash, or is empty', () => {
    expect(parse('--prompt', '-blurry').values.prompt).toBe('-blurry');
    expect(parse('--prompt=--odd').values.prompt).toBe('--odd');
    expect(parse('--prompt', '').values.prompt).toBe('');
  });
  test('the last of a repeated flag counts', () => expect(parse('--steps', '3', '--steps', '5').values.steps).toBe(5));
  test('--help, before anything is checked', () => expect(parse('--help', '--nonsense').help).toBe(true));
});

describe('mistakes', () => {
  test('an unknown flag suggests the one that was meant', () => {
    expect(mistake('--step', '3')).toMatchObject({ message: '--step is not a flag of paint', hint: 'Did you mean --steps?' });
    expect(mistake('--constructor')).toMatchObject({ message: '--constructor is not a flag of paint', hint: expect.stringContaining('--help') });
  });
  test('an unknown choice suggests one, or lists all', () => {
    expect(mistake('--sampler', 'eulera').hint).toBe('Did you mean euler_a?');
    expect(mistake('--sampler', 'zzz').hint).toBe('It can be euler, euler_a, and heun.');
  });
  test('a flag without its value does not swallow the next one', () => expect(mistake('--prompt', '--json').message).toBe('--prompt needs a value'));
  test('a number that is none', () => {
    for (const value of ['many', '', '1e999', '0x']) expect(mistake('--steps', value).message).toContain('is not a number');
  });
  test('a switch with a value', () => expect(mistake('--json=yes').message).toBe('--json takes no value, and was given “yes”'));
  test('words too many, as when quotes are forgotten', () => expect(mistake('--prompt', 'a', 'red', 'house').hint).toContain('quotes'));
  test('a file that is needed', () => {
    expect(() => parseCommand({ ...command, positional: 'FILE' }, [])).toThrow(expect.objectContaining({ info: { code: 'usage', data: { why: 'positional', command: 'paint', positional: 'FILE' } } }));
  });
});

test('help lists every flag', () => {
  const help = helpFor(command);
  for (const flag of Object.keys(command.flags)) expect(help).toContain(`--${flag}`);
  expect(help).toContain('euler, euler_a, heun');
});

test('nearest forgives a third of the letters and no more', () => {
  expect(nearest('generte', ['generate', 'golden'])).toBe('generate');
  expect(nearest('paint', ['generate', 'golden'])).toBeUndefined();
});
