// The pickle reader's instructions: plain values and containers of every protocol, as Python wrote them, and what is no such thing refused.
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../main/engine/errors';
import { failOf } from '../../../main/engine/weights/fault';
import { unpickle } from '../../../main/engine/weights/pickle/interpreter';
import type { PickleValue } from '../../../main/engine/weights/pickle/values';
import { bytesOf, op, type Part } from '../../support/pickles';
import { wordsFor } from '../../support/words';

const unpickled = (bytes: Uint8Array): PickleValue => unpickle(Uint8Array.from(bytes), failOf('/models/test.ckpt')).value;
const read = (...parts: Part[]): PickleValue => unpickled(bytesOf(...parts, op.stop));
function refusal(...parts: Part[]): AppError {
  try { read(...parts); } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return error as AppError;
  }
  throw new Error('nothing was refused');
}

describe('what CPython wrote', () => {
  // {'a': [1, -2, 2**40, 2**70], 'b': (1.5, None, True), 3: b'\x00\xff', 'ü€😀\\\n': 'a'}, with 'a' shared through the memo.
  const expected = new Map<PickleValue, PickleValue>([['a', [1, -2, 2 ** 40, 2n ** 70n]], ['b', [1.5, null, true]], [3, Uint8Array.of(0, 255)], ['ü€😀\\\n', 'a']]);
  test.each([
    [0, '286470300a56610a70310a286c70320a49310a61492d320a614c313039393531313632373737364c0a614c313138303539313632303731373431313330333432344c0a617356620a70330a2846312e350a4e4930310a7470340a7349330a635f636f646563730a656e636f64650a70350a28565c7530303030ff0a70360a566c6174696e310a70370a7470380a5270390a7356fc5c75323061635c5530303031663630305c75303035635c75303030610a7031300a67310a732e'],
    [1, '7d71002858010000006171015d7102284b014afeffffff4c313039393531313632373737364c0a4c313138303539313632303731373431313330333432344c0a65580100000062710328473ff80000000000004e4930310a7471044b03635f636f646563730a656e636f64650a710528580300000000c3bf710658060000006c6174696e317107747108527109580b000000c3bce282acf09f98805c0a710a6801752e'],
    [2, '80027d71002858010000006171015d7102284b014afeffffff8a060000000000018a09000000000000000040655801000000627103473ff80000000000004e888771044b03635f636f646563730a656e636f64650a7105580300000000c3bf710658060000006c6174696e317107867108527109580b000000c3bce282acf09f98805c0a710a6801752e'],
    [3, '80037d71002858010000006171015d7102284b014afeffffff8a060000000000018a09000000000000000040655801000000627103473ff80000000000004e888771044b03430200ff7105580b000000c3bce282acf09f98805c0a71066801752e'],
    [4, '8004954f000000000000007d94288c0161945d94284b014afeffffff8a060000000000018a09000000000000000040658c016294473ff80000000000004e8887944b03430200ff948c0bc3bce282acf09f98805c0a946801752e'],
    [5, '8005954f000000000000007d94288c0161945d94284b014afeffffff8a060000000000018a09000000000000000040658c016294473ff80000000000004e8887944b03430200ff948c0bc3bce282acf09f98805c0a946801752e'],
  ])('protocol %i', (_, pickled) => { expect(unpickled(Buffer.from(pickled, 'hex'))).toEqual(expected); });

  test.each([
    ['sets of protocol 2', '80027d7100285801000000737101635f5f6275696c74696e5f5f0a7365740a71025d7103284b014b02658571045271055801000000667106635f5f6275696c74696e5f5f0a66726f7a656e7365740a71075d71084b036185710952710a752e'],
    ['sets of protocol 4', '8004951a000000000000007d94288c0173948f94284b014b02908c016694284b039194752e'],
  ])('%s', (_, pickled) => { expect(unpickled(Buffer.from(pickled, 'hex'))).toEqual(new Map([['s', new Set([1, 2])], ['f', new Set([3])]])); });

  test('a list that holds itself', () => {
    const list = unpickled(Buffer.from('80025d71006800612e', 'hex')) as PickleValue[];
    expect(list[0]).toBe(list);
  });
  test('a bytearray of protocol 5', () => { expect(unpickled(Buffer.from('8005950d000000000000009602000000000000006162942e', 'hex'))).toEqual(Uint8Array.of(0x61, 0x62)); });
});

describe('instructions', () => {
  const cases: [string, Part[], PickleValue][] = [
    ['INT, with Python 2\'s booleans', ['(I01\nI00\nI-12\nl'], [true, false, -12]], ['LONG beyond 2⁵³', ['L12345678901234567890L\n'], 12345678901234567890n],
    ['BININT, BININT1, BININT2', ['(', op.int(-5), [0x4b, 200], [0x4d, 0x34, 0x12], 'l'], [-5, 200, 0x1234]], ['LONG1 of no bytes', [[0x8a, 0]], 0],
    ['LONG1, negative', [[0x8a, 1, 0xff]], -1], ['LONG4', [[0x8b, 2, 0, 0, 0, 0, 1]], 256], ['FLOAT', ['F-2.5e3\n'], -2500], ['FLOAT inf', ['F-inf\n'], -Infinity], ['BINFLOAT', [op.float(0.1)], 0.1],
    ['STRING with escapes', ["S'a\\x41\\'\\n'\n"], "aA'\n"], ['BINSTRING', ['T', [2, 0, 0, 0], 'hi'], 'hi'], ['SHORT_BINSTRING', ['U', [2], 'hi'], 'hi'],
    ['BINUNICODE8', [[0x8d, 2, 0, 0, 0, 0, 0, 0, 0], 'hi'], 'hi'], ['BINBYTES8', [[0x8e, 1, 0, 0, 0, 0, 0, 0, 0, 7]], Uint8Array.of(7)],
    ['LIST, DICT, TUPLE', ['(', '(K\x01l', '(K\x02K\x03d', '(t', 't'], [[1], new Map([[2, 3]]), []]], ['TUPLE1, TUPLE2, TUPLE3', ['K\x01K\x02K\x03', op.tuple1, op.tuple2, op.dup, op.dup, op.tuple3],
      [[2, [3]], [2, [3]], [2, [3]]]],
    ['POP and POP_MARK', ['K\x01(K\x02K\x031K\x040'], 1], ['POP of a mark', ['K\x01(0'], 1], ['PUT, GET and their binary forms', [']p5\n0', 'g5\n', 'K\x01', 'a', op.binput(9), '0', op.binget(9), op.longBinput(70_000), '0j', [0x70, 0x11, 1, 0]], [1]],
    ['MEMOIZE', ['K\x01', op.memoize, '0K\x02', op.memoize, '0', op.binget(1)], 2],
    ['OrderedDict with items and attributes', [op.global('collections', 'OrderedDict'), '(((K\x01K\x02tlt', op.reduce, '}(', op.unicode('_metadata'), 'Nu', op.build], new Map([[1, 2]])],
    ['defaultdict', [op.global('collections', 'defaultdict'), op.global('__builtin__', 'list'), op.tuple1, op.reduce], new Map()],
    ['an object by INST, OBJ, NEWOBJ and NEWOBJ_EX', ['(', '(', op.inst('collections', 'OrderedDict'), '(', op.global('collections', 'OrderedDict'), 'o', op.global('collections', 'OrderedDict'), ')', op.newobj,
      op.global('collections', 'OrderedDict'), ')}', op.newobjEx, 'l'], [new Map(), new Map(), new Map(), new Map()]],
    ['a numpy number, whose content is not kept', [op.global('numpy.core.multiarray', 'scalar'), '(', op.global('numpy', 'dtype'), op.unicode('f8'), op.tuple1, op.reduce, '(K\x03t', op.build, op.bytes(new Uint8Array(8)), 't', op.reduce], { kind: 'dropped' }],
    ['torch.Size', [op.global('torch', 'Size'), 'K\x02K\x03', op.tuple2, op.tuple1, op.reduce], [2, 3]],
  ];
  test.each(cases)('%s', (_, parts, expected) => { expect(read(...parts)).toEqual(expected); });

  test('a ParameterDict gives its parameters', () => {
    const state = ['}(', op.unicode('training'), op.true, op.unicode('_parameters'), '}(', op.unicode('*'), 'K\x07u', 'u'];
    const dictionary = read(op.global('torch.nn.modules.container', 'ParameterDict'), ')', op.newobj, ...state, op.build);
    expect([...dictionary as Map<PickleValue, PickleValue>]).toEqual([['*', 7]]);
  });
});

describe('refuses as malformed', () => {
  const cases: [string, Part[], RegExp][] = [
    ['an instruction that there is not', [[0xff]], /0xff/], ['text ids', ['Pstorage\n'], /P \(0x50\)/], ['buffers outside of the file', [[0x97]], /0x97/], ['a newer protocol', [[0x80, 6]], /protocol/],
    ['an empty stack', ['0'], /mark that is not there/], ['STOP with nothing to give', [], /empty stack/], ['TUPLE3 of two', ['K\x01K\x02', op.tuple3], /empty stack/], ['a mark that is not there', ['K\x01t'], /mark/],
    ['APPEND to a dictionary', ['}K\x01a'], /no list/], ['SETITEM of a list', [']K\x01K\x01s'], /no dictionary/], ['SETITEMS of an odd number', ['}(K\x01u'], /no dictionary/], ['ADDITEMS to a list', ['](K\x01', op.addItems], /no set/],
    ['a memo that was never filled', ['h\x07'], /never kept/], ['a place in the memo that is no number', ['K\x01pfoo\n'], /memo/], ['a negative place', ['K\x01p-1\n'], /memo/],
    ['a call of a number', ['K\x01)R'], /no function/], ['a call without a tuple', [op.global('collections', 'OrderedDict'), 'K\x01R'], /without a tuple/],
    ['STACK_GLOBAL of numbers', ['K\x01K\x02', op.stackGlobal], /not named by text/], ['OBJ of nothing', ['(o'], /no class/], ['NEWOBJ_EX with names', [op.global('collections', 'OrderedDict'), ')}K\x01K\x01s', op.newobjEx], /named arguments/],
    ['BUILD of a number', ['K\x01}b'], /state/], ['a storage of a made-up kind', ['(', op.unicode('storage'), 'K\x01K\x01K\x01K\x01t', op.persid], /no storage/], ['a persistent id that is no tuple', ['K\x01', op.persid], /no storage/],
    ['a tensor of no storage', [op.global('torch._utils', '_rebuild_tensor_v2'), '(K\x01K\x01))t', op.reduce], /make no sense/], ['digits that are none', ['Iabc\n'], /number/], ['STRING without quotes', ['Sabc\n'], /quotes/],
    ['LONG4 of negative length', [[0x8b, 0xff, 0xff, 0xff, 0xff]], /too many bytes/],
  ];
  test.each(cases)('%s', (_, parts, message) => {
    const error = refusal(...parts);
    expect(error.code).toBe('weights.badHeader');
    expect(wordsFor(error).message).toMatch(message);
    expect(wordsFor(error).message).toContain('test.ckpt');
  });

  test.each<[string, Part[]]>([
    ['without STOP', ['K\x01K\x02']], ['with text longer than the file', ['X', [0xff, 0xff, 0xff, 0x7f], 'a']], ['with 2⁶³ bytes', [[0x8e, 0, 0, 0, 0, 0, 0, 0, 0x80]]],
    ['with 2⁶⁴ − 1 bytes', [[0x96], new Uint8Array(8).fill(0xff)]], ['with a line that does not end', ['cos']],
  ])('what goes on behind its end, %s', (_, parts) => {
    expect(() => unpickled(bytesOf(...parts))).toThrow(expect.objectContaining({ code: 'weights.truncated' }));
  });
});
