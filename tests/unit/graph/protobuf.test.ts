// The writer of protocol buffers, against bytes worked out by hand and against a reader that knows nothing of it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtoWriter } from '../../../main/engine/graph/protobuf';
import { Message } from '../../support/protobuf';

const hex = (writer: ProtoWriter): string => Buffer.from(writer.finish()).toString('hex');

test.each<[string, (w: ProtoWriter) => ProtoWriter, string]>([
  ['150, as the format\'s own description has it', (w) => w.int(1, 150), '089601'],
  ['a text of that description', (w) => w.string(2, 'testing'), '120774657374696e67'],
  ['its nested message', (w) => w.message(3, (inner) => inner.int(1, 150)), '1a03089601'],
  ['0, which is written too', (w) => w.int(1, 0), '0800'],
  ['the largest of one byte and the smallest of two', (w) => w.int(1, 127).int(1, 128), '087f088001'],
  ['−1 in ten bytes', (w) => w.int(1, -1), '08ffffffffffffffffff01'],
  ['2³², beyond what bit operators hold', (w) => w.int(1, 2 ** 32), '088080808010'],
  ['a field number of two bytes', (w) => w.int(16, 1), '800101'],
  ['a float', (w) => w.float(2, 1.5), '150000c03f'],
  ['an empty text and an empty message', (w) => w.string(1, '').message(7, () => {}), '0a003a00'],
  ['a text by its bytes, not its characters', (w) => w.string(1, 'é→'), '0a05c3a9e28692'],
])('%s', (_, write, bytes) => { expect(hex(write(new ProtoWriter()))).toBe(bytes); });

describe('what is written is read again', () => {
  test('whole numbers up to 2⁵³ and their negatives', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.maxSafeInteger(), fc.integer())), fc.integer({ min: 1, max: 2047 }), (values, field) => {
      const writer = new ProtoWriter();
      for (const value of values) writer.int(field, value);
      expect(new Message(writer.finish()).ints(field)).toEqual(values.map((value) => value + 0));   // there is no −0
    }));
  });

  test('floats of 32 bits, endless ones and NaN too', () => {
    fc.assert(fc.property(fc.array(fc.float()), (values) => {
      const writer = new ProtoWriter();
      for (const value of values) writer.float(3, value);
      expect(new Message(writer.finish()).floats(3)).toEqual(values);
    }));
  });

  test('messages in messages, mixed with other fields', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.uint8Array({ maxLength: 300 })), { maxLength: 20 }), (pairs) => {
      const writer = new ProtoWriter();
      for (const [text, data] of pairs) writer.message(5, (w) => w.int(1, data.length).message(2, (inner) => inner.string(1, text).data(2, data)));
      const read = new Message(writer.finish()).messages(5);
      expect(read.map((message) => message.ints(1))).toEqual(pairs.map(([, data]) => [data.length]));
      expect(read.map((message) => [message.messages(2)[0]!.texts(1)[0], message.messages(2)[0]!.bytes(2)[0]])).toEqual(pairs.map(([text, data]) => [text, data]));
    }));
  });
});

// The buffer has 1024 bytes at first and doubles, or grows to what is asked for.
describe.each([1013, 1014, 1015, 1016, 1020, 1021, 1022, 1023, 1024, 1025, 2047, 2048, 2049, 5000])('after %i bytes', (before) => {
  const filled = (): ProtoWriter => new ProtoWriter().data(1, new Uint8Array(before - 3).fill(7));    // with its key and two bytes of length
  test('everything fits, and nothing before it changes', () => {
    const bytes = new Message(filled().int(2, -1).float(3, 0.5).string(4, 'x'.repeat(3000)).message(5, (w) => w.data(1, new Uint8Array(2000).fill(9))).int(6, 2 ** 53 - 1).finish());
    expect(bytes.bytes(1)).toEqual([new Uint8Array(before - 3).fill(7)]);
    expect([bytes.ints(2), bytes.floats(3), bytes.ints(6)]).toEqual([[-1], [0.5], [2 ** 53 - 1]]);
    expect([bytes.texts(4)[0]!.length, bytes.messages(5)[0]!.bytes(1)]).toEqual([3000, [new Uint8Array(2000).fill(9)]]);
  });
});

test('a message that is done has no bytes of what its buffer holds beyond it', () => {
  expect(new ProtoWriter().finish()).toHaveLength(0);
  expect(new ProtoWriter().int(1, 1).finish()).toHaveLength(2);
});
