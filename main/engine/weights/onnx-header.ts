// What an ONNX file says of itself (onnx.proto, IR version 3 to 13): inputs, outputs, and which other files its weights lie in. Weights themselves are stepped over,
// so that a file of gigabytes costs some reads.
import { AppError } from '../errors';
import type { ByteSource } from './source';

/** `type`: TensorProto.DataType. A side that the file leaves open is null. */
export interface OnnxValue { readonly name: string; readonly type: number; readonly dims: readonly (number | null)[] }

export interface OnnxHeader {
  readonly path: string;
  readonly sizeBytes: number;
  readonly irVersion: number;
  /** Version by domain; '' is ONNX's own. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly producer: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly nodes: number;
  /** Numbers in all weights. */
  readonly parameters: number;
  /** What has to be given; weights, which old files list among the inputs, are not. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Files with weights, as the file names them. */
  readonly external: readonly string[];
}

const MAX_FIELDS = 4_000_000, MAX_DEPTH = 24, MAX_TEXT = 1 << 16, WINDOW = 1 << 16;

/** Which messages lie in a message, by the fields that hold them: the way to every tensor and value. */
const within: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  model: { 7: 'graph', 8: 'opset', 14: 'metadata', 25: 'function' }, function: { 7: 'node' },
  graph: { 1: 'node', 5: 'tensor', 11: 'input', 12: 'output', 15: 'sparse' }, sparse: { 1: 'tensor', 2: 'tensor' },
  node: { 5: 'attribute' }, attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' }, tensor: { 13: 'entry' },
  input: { 2: 'type' }, output: { 2: 'type' }, type: { 1: 'tensorType' }, tensorType: { 2: 'shape' }, shape: { 1: 'dim' },
};
/** Fields that are texts or numbers worth keeping. */
const kept: Readonly<Record<string, readonly number[]>> = {
  model: [1, 2], opset: [1, 2], metadata: [1, 2], tensor: [1, 8, 14], entry: [1, 2], input: [1], output: [1], tensorType: [1], dim: [1],
};

interface Part { readonly kind: string; readonly fields: Map<number, (number | string)[]>; readonly parts: Part[] }

/** Throws onnx.unreadable. */
export async function readOnnxHeader(source: ByteSource): Promise<OnnxHeader> {
  const model = await new Walk(source).part('model', 0, source.sizeBytes, 0);
  const graph = model.parts.find(({ kind }) => kind === 'graph'), irVersion = model.fields.get(1)?.[0];
  if (!graph || typeof irVersion !== 'number' || !graph.parts.some(({ kind }) => kind === 'output')) throw notOnnx(source);
  const tensors = everywhere(model, 'tensor'), weights = new Set(graph.parts.filter(({ kind }) => kind === 'tensor').map((tensor) => textOf(tensor, 8)));
  const pairs = (kind: string): [string, string][] => model.parts.filter((part) => part.kind === kind).map((part) => [textOf(part, 1), String(part.fields.get(2)?.[0] ?? '')]);
  const external = tensors.filter(({ fields }) => fields.get(14)?.[0] === 1).map((tensor) => tensor.parts.find((entry) => textOf(entry, 1) === 'location')).map((entry) => (entry ? textOf(entry, 2) : ''));
  return {
    path: source.path, sizeBytes: source.sizeBytes, irVersion, producer: textOf(model, 2), metadata: Object.fromEntries(pairs('metadata')),
    opsets: Object.fromEntries(pairs('opset').map(([domain, version]) => [domain, Number(version)])),
    nodes: everywhere(model, 'node').length, parameters: tensors.map(({ fields }) => product(fields.get(1) ?? [])).reduce((a, b) => a + b, 0),
    inputs: graph.parts.filter(({ kind }) => kind === 'input').map(valueOf).filter(({ name }) => !weights.has(name)),
    outputs: graph.parts.filter(({ kind }) => kind === 'output').map(valueOf), external: [...new Set(external)],
  };
}

/** A path below the file's folder, on any system. */
export const isBelow = (location: string): boolean => location !== '' && !/^[/\\]|^[a-z]:|\0|(?:^|[/\\])\.\.(?:[/\\]|$)/i.test(location);

const notOnnx = ({ path }: ByteSource): AppError => new AppError('onnx.unreadable', { why: 'notOnnx', file: path });
const textOf = ({ fields }: Part, number: number): string => String(fields.get(number)?.[0] ?? '');
const product = (dims: readonly (number | string)[]): number => dims.reduce<number>((a, b) => a * Number(b), 1);

function everywhere(part: Part, kind: string): Part[] {
  return part.parts.flatMap((inner) => [...(inner.kind === kind ? [inner] : []), ...everywhere(inner, kind)]);
}

/** Throws nothing: what is no tensor has no sides. */
function valueOf(value: Part): OnnxValue {
  const tensor = value.parts[0]?.parts[0], dims = tensor?.parts[0]?.parts ?? [];
  return { name: textOf(value, 1), type: Number(tensor?.fields.get(1)?.[0] ?? 0), dims: dims.map(({ fields }) => sideOf(fields.get(1)?.[0])) };
}

/** Some programs write open sides as 0 or −1. */
const sideOf = (value: number | string | undefined): number | null => (typeof value === 'number' && value > 0 && value < 2 ** 31 ? value : null);

/** Goes through the messages with a window on the file. */
class Walk {
  private bytes: Uint8Array = new Uint8Array(0);
  private start = 0;
  private count = 0;
  private readonly source: ByteSource;

  constructor(source: ByteSource) { this.source = source; }

  async part(kind: string, from: number, to: number, depth: number): Promise<Part> {
    if (depth > MAX_DEPTH) throw notOnnx(this.source);
    const fields = new Map<number, (number | string)[]>(), parts: Part[] = [];
    const keep = (number: number, value: number | string): void => { fields.set(number, [...fields.get(number) ?? [], value]); };
    for (let at = from; at < to;) {
      if (++this.count > MAX_FIELDS) throw new AppError('onnx.unreadable', { why: 'large', file: this.source.path, most: MAX_FIELDS });
      const key = await this.varint(at, to), number = Math.floor(key.value / 8), wire = key.value % 8;
      at = key.end;
      const isKept = kept[kind]?.includes(number) ?? false;
      if (wire === 0) {
        const { value, end } = await this.varint(at, to);
        if (isKept) keep(number, value);
        at = end;
      } else if (wire === 2) {
        const { value: length, end } = await this.varint(at, to), inner = within[kind]?.[number];
        if (end + length > to) throw this.tooLong(end + length);
        if (inner !== undefined) parts.push(await this.part(inner, end, end + length, depth + 1));
        else if (isKept && kind === 'tensor' && number === 1) for (let p = end; p < end + length;) { const side = await this.varint(p, end + length); keep(1, side.value); p = side.end; }
        else if (isKept) keep(number, await this.text(end, length));
        at = end + length;
      } else if (wire === 1 || wire === 5) at += wire === 1 ? 8 : 4;
      else throw notOnnx(this.source);
      if (at > to) throw this.tooLong(at);
    }
    return { kind, fields, parts };
  }

  private tooLong(expectedBytes: number): AppError {
    const { path, sizeBytes } = this.source;
    return expectedBytes > sizeBytes ? new AppError('onnx.unreadable', { why: 'cut', file: path, sizeBytes, expectedBytes }) : notOnnx(this.source);
  }

  /** Up to 2^53; what is larger, as negative sides are, is no size. */
  private async varint(at: number, to: number): Promise<{ value: number; end: number }> {
    await this.show(at, 10);
    let value = 0;
    for (let i = 0; i < 10; i++) {
      if (at + i >= to) throw this.tooLong(at + i + 1);
      const byte = this.bytes[at + i - this.start]!;
      value += (byte & 127) * 128 ** i;
      if (byte < 128) return { value, end: at + i + 1 };
    }
    throw notOnnx(this.source);
  }

  private async text(at: number, length: number): Promise<string> {
    if (length > MAX_TEXT) return '';
    await this.show(at, length);
    return new TextDecoder().decode(this.bytes.subarray(at - this.start, at - this.start + length));
  }

  /** Has these bytes in the window, as far as the file goes. */
  private async show(at: number, length: number): Promise<void> {
    const end = Math.min(at + length, this.source.sizeBytes);
    if (at >= this.start && end <= this.start + this.bytes.length) return;
    this.bytes = await this.source.read(at, Math.min(Math.max(WINDOW, length), this.source.sizeBytes - at));
    this.start = at;
  }
}
