// A reader of protocol buffers' wire format, written from its description (protobuf.dev/programming-guides/encoding) and not from our writer.

/** A field as it stands: whole numbers as the 64 bits that they are, floats of 32 bits, or bytes (texts, nested messages, packed numbers). */
export type Field = readonly [number: number, value: bigint | number | Uint8Array];

/** Throws RangeError where the bytes end early or have a wire type that there is not. */
function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= bytes.length || shift > 63n) throw new RangeError(`a number that does not end at byte ${at}`);
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
  };
  const skip = (length: number): number => {
    if (at + length > bytes.length) throw new RangeError(`${length} bytes from ${at} on are more than the ${bytes.length} that there are`);
    return (at += length) - length;
  };
  while (at < bytes.length) {
    const key = Number(varint()), number = key >>> 3, wire = key & 7;
    if (wire === 0) yield [number, varint()];
    else if (wire === 2) { const length = Number(varint()), from = skip(length); yield [number, bytes.subarray(from, from + length)]; }
    else if (wire === 5) yield [number, view.getFloat32(skip(4), true)];
    else throw new RangeError(`wire type ${wire} of field ${number} at byte ${at}`);
  }
}

/** The fields of a message by number, each number with all its values in order. */
export class Message {
  private readonly fields = new Map<number, Field[1][]>();

  constructor(bytes: Uint8Array) {
    for (const [number, value] of fieldsOf(bytes)) {
      const known = this.fields.get(number);
      if (known) known.push(value);
      else this.fields.set(number, [value]);
    }
  }

  get numbers(): number[] { return [...this.fields.keys()]; }

  /** Signed, as int64. */
  ints(number: number): number[] {
    return (this.fields.get(number) ?? []).map((value) => (typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : wrong(number, 'a whole number')));
  }

  floats(number: number): number[] {
    return (this.fields.get(number) ?? []).map((value) => (typeof value === 'number' ? value : wrong(number, 'a float')));
  }

  bytes(number: number): Uint8Array[] {
    return (this.fields.get(number) ?? []).map((value) => (value instanceof Uint8Array ? value : wrong(number, 'bytes')));
  }

  texts(number: number): string[] { return this.bytes(number).map((value) => utf8.decode(value)); }
  messages(number: number): Message[] { return this.bytes(number).map((value) => new Message(value)); }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const wrong = (number: number, what: string): never => { throw new TypeError(`field ${number} is not ${what}`); };
