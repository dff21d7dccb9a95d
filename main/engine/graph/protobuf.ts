// A writer for protocol buffers' wire format, as much of it as ONNX needs (protobuf.dev/programming-guides/encoding).

const utf8 = new TextEncoder();

export class ProtoWriter {
  private bytes = new Uint8Array(1 << 10);
  private length = 0;

  /** Non-negative integers up to 2^53, and negative ones as int64 two's complement. Fields of value 0 are written too. */
  int(field: number, value: number): this {
    this.varint(field << 3);
    if (value >= 0) return this.varint(value);
    return this.bigVarint(BigInt.asUintN(64, BigInt(value)));
  }

  float(field: number, value: number): this {
    this.varint((field << 3) | 5);
    this.reserve(4);
    new DataView(this.bytes.buffer).setFloat32(this.length, value, true);
    this.length += 4;
    return this;
  }

  string(field: number, value: string): this {
    return this.data(field, utf8.encode(value));
  }

  data(field: number, value: Uint8Array): this {
    this.varint((field << 3) | 2).varint(value.length);
    this.reserve(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
    return this;
  }

  message(field: number, write: (writer: ProtoWriter) => void): this {
    const inner = new ProtoWriter();
    write(inner);
    return this.data(field, inner.finish());
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  private varint(value: number): this {
    this.reserve(10);
    while (value > 127) {
      this.bytes[this.length++] = (value % 128) | 128;
      value = Math.floor(value / 128);
    }
    this.bytes[this.length++] = value;
    return this;
  }

  private bigVarint(value: bigint): this {
    this.reserve(10);
    for (; value > 127n; value >>= 7n) this.bytes[this.length++] = Number(value & 127n) | 128;
    this.bytes[this.length++] = Number(value);
    return this;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}
