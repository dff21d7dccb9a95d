// Reads a pickle of protocol 0 to 5 without being Python: every instruction is here, and none can do more than build the values of values.ts.
//
// Instructions after CPython's Lib/pickletools.py.
import type { Fail } from '../fault';
import { Machine } from './machine';
import type { PickleValue, Storage } from './values';

export interface Unpickled {
  readonly value: PickleValue;
  /** All that it mentions, by key. */
  readonly storages: ReadonlyMap<string, Storage>;
  /** The byte behind the pickle. */
  readonly end: number;
}

/**
 * Reads the pickle that begins at `start`.
 * Throws weights.forbiddenGlobal, weights.badHeader (malformed, or more work than any model needs), weights.truncated (it goes on behind `bytes`).
 */
export function unpickle(bytes: Uint8Array, fail: Fail, start = 0): Unpickled {
  const machine = new Machine(bytes, start, fail);
  for (;;) {
    const code = machine.input.u8();
    if (code === stop) return { value: machine.pop(), storages: machine.storages, end: machine.input.at };
    machine.spend(1);
    const instruction = instructions[code];
    if (!instruction) throw machine.unknown(code);
    instruction(machine);
  }
}

type Instruction = (m: Machine) => void;

const code = (letter: string): number => letter.charCodeAt(0);
const stop = code('.');

/** By opcode, in the order of the protocols. PERSID (text ids) and out-of-band buffers are missing: torch writes none. */
const instructions: Readonly<Record<number, Instruction>> = {
  // the stack
  [code('(')]: (m) => m.mark(),
  [code('0')]: (m) => m.drop(),
  [code('1')]: (m) => { m.popToMark(); },
  [code('2')]: (m) => m.push(m.top()),
  // numbers and the like
  [code('N')]: (m) => m.push(null),
  [code('I')]: (m) => { const line = m.input.line(); m.push(line === '01' ? true : line === '00' ? false : decimal(m, line)); },
  [code('L')]: (m) => m.push(decimal(m, m.input.line().replace(/L$/, ''))),
  [code('F')]: (m) => m.push(floating(m.input.line())),
  [code('J')]: (m) => m.push(m.input.i32()),
  [code('K')]: (m) => m.push(m.input.u8()),
  [code('M')]: (m) => m.push(m.input.u16()),
  [code('G')]: (m) => m.push(m.input.f64()),
  [0x88]: (m) => m.push(true),
  [0x89]: (m) => m.push(false),
  [0x8a]: (m) => m.push(integer(m, m.input.u8())),
  [0x8b]: (m) => m.push(integer(m, m.input.i32())),
  // text and bytes
  [code('S')]: (m) => m.push(quoted(m, m.input.latin1Line())),
  [code('T')]: (m) => m.push(m.input.text(m.input.u32())),
  [code('U')]: (m) => m.push(m.input.text(m.input.u8())),
  [code('V')]: (m) => m.push(rawUnicode(m.input.latin1Line())),
  [code('X')]: (m) => m.push(m.input.text(m.input.u32())),
  [0x8c]: (m) => m.push(m.input.text(m.input.u8())),
  [0x8d]: (m) => m.push(m.input.text(m.input.u64())),
  [code('B')]: (m) => m.push(m.input.take(m.input.u32())),
  [code('C')]: (m) => m.push(m.input.take(m.input.u8())),
  [0x8e]: (m) => m.push(m.input.take(m.input.u64())),
  [0x96]: (m) => m.push(m.input.take(m.input.u64())),
  // containers
  [code(']')]: (m) => m.push([]),
  [code('l')]: (m) => m.push(m.popToMark()),
  [code('a')]: (m) => { const value = m.pop(); m.append(m.top(), [value]); },
  [code('e')]: (m) => { const values = m.popToMark(); m.append(m.top(), values); },
  [code(')')]: (m) => m.push([]),
  [code('t')]: (m) => m.push(m.popToMark()),
  [0x85]: (m) => m.push(m.popMany(1)),
  [0x86]: (m) => m.push(m.popMany(2)),
  [0x87]: (m) => m.push(m.popMany(3)),
  [code('}')]: (m) => m.push(new Map()),
  [code('d')]: (m) => { const pairs = m.popToMark(); m.push(new Map()); m.setItems(m.top(), pairs); },
  [code('s')]: (m) => { const pair = m.popMany(2); m.setItems(m.top(), pair); },
  [code('u')]: (m) => { const pairs = m.popToMark(); m.setItems(m.top(), pairs); },
  [0x8f]: (m) => m.push(new Set()),
  [0x90]: (m) => { const values = m.popToMark(); m.addItems(m.top(), values); },
  [0x91]: (m) => m.push(new Set(m.popToMark())),
  // the memo
  [code('p')]: (m) => m.put(Number(m.input.line())),
  [code('q')]: (m) => m.put(m.input.u8()),
  [code('r')]: (m) => m.put(m.input.u32()),
  [0x94]: (m) => m.put(m.memo.size),
  [code('g')]: (m) => m.get(Number(m.input.line())),
  [code('h')]: (m) => m.get(m.input.u8()),
  [code('j')]: (m) => m.get(m.input.u32()),
  // names and calls
  [code('c')]: (m) => { const module = m.input.line(); m.push(m.name(module, m.input.line())); },
  [0x93]: (m) => { const [module, name] = m.popMany(2); m.push(m.name(module!, name!)); },
  [code('R')]: (m) => { const [callee, args] = m.popMany(2); m.call(callee!, args!); },
  [0x81]: (m) => { const [type, args] = m.popMany(2); m.call(type!, args!); },
  [0x92]: (m) => {
    const [type, args, named] = m.popMany(3);
    if (!(named instanceof Map) || named.size > 0) throw m.input.malformed('it calls with named arguments');
    m.call(type!, args!);
  },
  [code('i')]: (m) => { const module = m.input.line(), type = m.name(module, m.input.line()); m.call(type, m.popToMark()); },
  [code('o')]: (m) => {
    const [type, ...args] = m.popToMark();
    if (type === undefined) throw m.input.malformed('it makes an object of no class');
    m.call(type, args);
  },
  [code('b')]: (m) => { const state = m.pop(); m.setState(m.top(), state); },
  [0x82]: (m) => m.extension(m.input.u8()),
  [0x83]: (m) => m.extension(m.input.u16()),
  [0x84]: (m) => m.extension(m.input.u32()),
  // torch's storages
  [code('Q')]: (m) => m.storage(m.pop()),
  // the frame of the pickle itself
  [0x80]: (m) => { if (m.input.u8() > 5) throw m.input.malformed('its protocol is newer than 5'); },
  [0x95]: (m) => { m.input.u64(); },
};

/** Longer numbers are no part of a model; making one of a million digits would take its time. */
const maxDigits = 400, maxIntegerBytes = 160;

const small = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

function decimal(m: Machine, line: string): number | bigint {
  if (line.length > maxDigits || !/^[+-]?\d+$/.test(line)) throw m.input.malformed('a number has no or too many digits');
  return small(BigInt(line.replace(/^\+/, '')));
}

/** Two's complement, little-endian. */
function integer(m: Machine, length: number): number | bigint {
  if (length < 0 || length > maxIntegerBytes) throw m.input.malformed('a number has too many bytes');
  const hex = [...m.input.take(length)].reverse().map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return length === 0 ? 0 : small(BigInt.asIntN(8 * length, BigInt(`0x${hex}`)));
}

/** Python writes inf where JavaScript reads Infinity. */
const floating = (line: string): number => Number(line.replace('inf', 'Infinity'));

/** Python's raw-unicode-escape; it writes backslashes themselves as \\u005c. */
const rawUnicode = (line: string): string =>
  line.replace(/\\(?:u([\da-fA-F]{4})|U(00(?:0[\da-fA-F]|10)[\da-fA-F]{4}))/g, (_, short: string | undefined, long: string) => String.fromCodePoint(parseInt(short ?? long, 16)));

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\n': '' };

/** A Python string literal. */
function quoted(m: Machine, line: string): string {
  if (!/^(?:'.*'|".*")$/s.test(line)) throw m.input.malformed('a text lacks its quotes');
  return line.slice(1, -1).replace(/\\(?:x([0-9a-f]{2})|(.))/gis, (_, hex: string | undefined, letter: string) =>
    (hex ? String.fromCharCode(parseInt(hex, 16)) : escapes[letter] ?? letter));
}
