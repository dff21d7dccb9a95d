// What a pickle may build: plain values, plain containers, storages and tensors that point into them. There is nothing here that could act.
import type { Dims } from '../../tensor';
import type { StoredDType } from '../source';

/** A row of bytes elsewhere in the file, or a part of one, all as the file claims it. */
export interface Storage {
  readonly kind: 'storage';
  /** What the file calls the whole row. */
  readonly key: string;
  readonly wholeBytes: number;
  /** null: bytes of any type (UntypedStorage). */
  readonly dtype: StoredDType | null;
  /** The part, in bytes of the whole; all of it in what torch has written since 1.6. */
  readonly start: number;
  readonly byteLength: number;
}

export interface StoredTensor {
  readonly kind: 'tensor';
  /** Or its bytes themselves, where the pickle has them. */
  readonly storage: Storage | Uint8Array;
  readonly dtype: StoredDType;
  /** In elements, as are the strides. */
  readonly offset: number;
  readonly shape: Dims;
  readonly strides: Dims;
}

/** What a numpy array holds; null where these are no numbers. */
export interface NumpyType { readonly kind: 'dtype'; readonly dtype: StoredDType | null; bigEndian: boolean }
/** null until it is given its state, and for what holds no numbers. */
export interface NumpyArray { readonly kind: 'array'; tensor: StoredTensor | null }

/** A class or function of the allow-list, by name. It is a word: only its entry in the list says what a call of it builds. */
export interface Name { readonly kind: 'name'; readonly path: string }

/** A harmless value that no weights depend on, such as a numpy number; its content is not kept. */
interface Dropped { readonly kind: 'dropped' }

/** torch.nn.ParameterDict: a dictionary whose entries come as attributes. */
export class ParameterDict extends Map<PickleValue, PickleValue> {}

/** Tuples are arrays, dictionaries are maps, bytes are views of the pickle. */
export type PickleValue = null | boolean | number | bigint | string | Uint8Array | PickleValue[] | Map<PickleValue, PickleValue> | Set<PickleValue>
  | Storage | StoredTensor | NumpyType | NumpyArray | Name | Dropped;

export const isCount = (value: PickleValue | undefined): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

type Kinds = { storage: Storage; tensor: StoredTensor; dtype: NumpyType; array: NumpyArray; name: Name; dropped: Dropped };

export const isKind = <K extends keyof Kinds>(value: PickleValue | undefined, kind: K): value is Kinds[K] =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
