// The state of a pickle that is being read (stack, marks, memo), and the few things that may happen to it. Everything in it is bounded.
import { Cursor } from './cursor';
import { forbidden, printable, type Fail } from '../fault';
import { lookUp, meaningOf, storageFrom } from './globals';
import { setArray, setType } from './numpy';
import { isKind, ParameterDict, type Name, type PickleValue, type Storage } from './values';

/**
 * Steps, plus what calls copy. A full SDXL checkpoint with optimizer and EMA copy takes under half a million; each step makes at most one small object,
 * so this also bounds stack, memo and memory.
 */
const maxWork = 2_000_000;

export class Machine {
  readonly input: Cursor;
  readonly memo = new Map<number, PickleValue>();
  /** By key, in the order in which they came up. */
  readonly storages = new Map<string, Storage>();
  private stack: PickleValue[] = [];
  private readonly marks: PickleValue[][] = [];
  private work = 0;
  private copied = 0;
  private readonly fail: Fail;

  constructor(bytes: Uint8Array, start: number, fail: Fail) {
    this.input = new Cursor(bytes, start, fail);
    this.fail = fail;
  }

  readonly spend = (amount: number): void => {
    this.work += amount;
    if (this.work > maxWork) throw this.fail('weights.badHeader', { why: 'steps', most: maxWork });
  };

  /** What is decoded once has no more bytes than its text; a text that is decoded again and again has. */
  readonly copy = (bytes: number): void => {
    this.copied += bytes;
    const most = maxWork + 2 * this.input.bytes.length;
    if (this.copied > most) throw this.fail('weights.badHeader', { why: 'steps', most });
  };

  push(value: PickleValue): void { this.stack.push(value); }

  top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined) throw this.input.malformed('it takes a value from an empty stack');
    return value;
  }

  pop(): PickleValue {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  /** The last `count` values, oldest first. */
  popMany(count: number): PickleValue[] {
    if (this.stack.length < count) throw this.input.malformed('it takes a value from an empty stack');
    return this.stack.splice(this.stack.length - count);
  }

  mark(): void {
    this.marks.push(this.stack);
    this.stack = [];
  }

  /** All values since the last mark. */
  popToMark(): PickleValue[] {
    const outer = this.marks.pop();
    if (!outer) throw this.input.malformed('it goes back to a mark that is not there');
    const values = this.stack;
    this.stack = outer;
    return values;
  }

  /** POP takes the mark itself where nothing is above it. */
  drop(): void {
    if (this.stack.length > 0) this.stack.pop();
    else this.popToMark();
  }

  put(index: number): void {
    if (!Number.isSafeInteger(index) || index < 0) throw this.input.malformed('its memo has no such place');
    this.memo.set(index, this.top());
  }

  get(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.input.malformed('it recalls what it never kept');
    this.push(value);
  }

  /** A name of the allow-list, or the refusal. */
  name(module: PickleValue, name: PickleValue): Name {
    if (typeof module !== 'string' || typeof name !== 'string') throw this.input.malformed('a global is not named by text');
    const known = lookUp(module, name);
    if (!known) throw forbidden(this.fail, `${module}.${name}`);
    return known;
  }

  /** REDUCE and its relatives: the list says what a call builds; a word that is there only to be mentioned is refused. */
  call(callee: PickleValue, args: PickleValue): void {
    if (!isKind(callee, 'name')) throw this.input.malformed('it calls what is no function');
    const { build, form } = meaningOf(callee);
    if (form) throw this.fail('weights.tensorForm', { why: form });
    if (!build) throw forbidden(this.fail, callee.path);
    if (!Array.isArray(args)) throw this.input.malformed(`${callee.path} is called without a tuple`);
    const value = build({ args, spend: this.spend, copy: this.copy });
    if (value === undefined) throw this.input.malformed(`${callee.path} is called with arguments that make no sense`);
    this.push(value);
  }

  /** `pairs`: key, value, key, value, … */
  setItems(target: PickleValue, pairs: readonly PickleValue[]): void {
    if (!(target instanceof Map) || pairs.length % 2 !== 0) throw this.input.malformed('it sets items of what is no dictionary');
    for (let i = 0; i < pairs.length; i += 2) target.set(pairs[i]!, pairs[i + 1]!);
  }

  append(target: PickleValue, values: readonly PickleValue[]): void {
    if (!Array.isArray(target)) throw this.input.malformed('it appends to what is no list');
    for (const value of values) target.push(value);
  }

  addItems(target: PickleValue, values: readonly PickleValue[]): void {
    if (!(target instanceof Set)) throw this.input.malformed('it adds to what is no set');
    for (const value of values) target.add(value);
  }

  /** BUILD: attributes. Those of dictionaries (torch's _metadata) and of dropped values carry no weights; a ParameterDict has its tensors there, and a numpy array all of itself. */
  setState(target: PickleValue, state: PickleValue): void {
    if (isKind(target, 'array') || isKind(target, 'dtype')) {
      const isSet = target.kind === 'array' ? setArray(target, state, this.copy) : setType(target, state);
      if (!isSet) throw this.input.malformed('a numpy array has a state that makes no sense');
      return;
    }
    if (!(target instanceof Map) && !isKind(target, 'dropped')) throw this.input.malformed('it sets the state of what has none');
    const parameters = target instanceof ParameterDict && state instanceof Map ? state.get('_parameters') : undefined;
    if (!(target instanceof ParameterDict) || !(parameters instanceof Map)) return;
    this.spend(parameters.size);
    for (const [key, value] of parameters) target.set(key, value);
  }

  /** BINPERSID. */
  storage(id: PickleValue): void {
    const storage = storageFrom(id);
    if (!storage) throw this.input.malformed('a persistent id names no storage that Atelier knows');
    const known = this.storages.get(storage.key);
    if (known && known.wholeBytes !== storage.wholeBytes) throw this.input.malformed(`storage ${printable(storage.key)} has two sizes`);
    this.storages.set(storage.key, storage);
    this.push(storage);
  }

  unknown(code: number): Error {
    return this.input.malformed(`${printable(String.fromCharCode(code))} (0x${code.toString(16)}) is no instruction that a model needs`);
  }

  /** EXT1, EXT2, EXT4: names by number, from a registry that only a running Python has. */
  extension(number: number): never { throw forbidden(this.fail, `copyreg extension ${number}`); }
}
