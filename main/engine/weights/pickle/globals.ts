// The allow-list: every class and function that a pickle may name, and what a call of it builds here. What is not in the list is refused by name.
//
// A name without `build` may stand in the file (as a dictionary's key, as an argument) and not be called. Looked up as module and name apart, since
// `torch` + `os.system` reaches os.system in Python.
import { dtypeBytes } from '../dtypes';
import type { StoredDType } from '../source';
import { arrayFrom, latin1, typeClasses, typeFrom, typeOfClass } from './numpy';
import { isCount, isKind, ParameterDict, type Name, type PickleValue, type Storage, type StoredTensor } from './values';

interface Call {
  readonly args: readonly PickleValue[];
  /** Counts work that grows with the arguments; refuses when the file asks for too much of it. */
  readonly spend: (amount: number) => void;
  /** The same for bytes that are made: as many as the pickle has, twice. */
  readonly copy: (bytes: number) => void;
}

/** undefined: the arguments make no sense. */
type Build = (call: Call) => PickleValue | undefined;

interface Global {
  readonly build?: Build;
  /** For storage classes and torch.float32 and the like. */
  readonly dtype?: StoredDType;
  readonly isStorage?: true;
  /** Tensors that hold no values of their own, or in a form that is not read: refused by what they are. */
  readonly form?: 'meta' | 'sparse' | 'quantized' | 'nested' | 'wrapped';
}

const word: Global = {};
const drop: Global = { build: () => ({ kind: 'dropped' }) };
const storageOf = (dtype?: StoredDType): Global => ({ isStorage: true, dtype });

const storages: Readonly<Record<string, Global>> = {
  DoubleStorage: storageOf('F64'), FloatStorage: storageOf('F32'), HalfStorage: storageOf('F16'), BFloat16Storage: storageOf('BF16'), LongStorage: storageOf('I64'),
  IntStorage: storageOf('I32'), ShortStorage: storageOf('I16'), CharStorage: storageOf('I8'), ByteStorage: storageOf('U8'), BoolStorage: storageOf('BOOL'),
};
const dtypes: Readonly<Record<string, Global>> = {
  float64: { dtype: 'F64' }, double: { dtype: 'F64' }, float32: { dtype: 'F32' }, float: { dtype: 'F32' }, float16: { dtype: 'F16' }, half: { dtype: 'F16' },
  bfloat16: { dtype: 'BF16' }, float8_e4m3fn: { dtype: 'F8_E4M3' }, float8_e5m2: { dtype: 'F8_E5M2' }, float8_e4m3fnuz: { dtype: 'F8_E4M3FNUZ' }, float8_e5m2fnuz: { dtype: 'F8_E5M2FNUZ' }, int64: { dtype: 'I64' }, long: { dtype: 'I64' },
  int32: { dtype: 'I32' }, int: { dtype: 'I32' }, int16: { dtype: 'I16' }, short: { dtype: 'I16' }, int8: { dtype: 'I8' }, uint8: { dtype: 'U8' }, uint16: { dtype: 'U16' }, uint32: { dtype: 'U32' }, uint64: { dtype: 'U64' }, bool: { dtype: 'BOOL' },
};
const builtins: Readonly<Record<string, Global>> = {
  set: { build: setOf }, frozenset: { build: setOf },
  // Protocol 2 writes empty bytes so; other bytes come through _codecs.encode.
  bytes: { build: ({ args }) => (args.length === 0 ? new Uint8Array() : undefined) },
  list: word, dict: word, int: word, float: word, object: word,
};
/** Lightning's checkpoints keep each callback's state under its class; Stable Diffusion 1.4's own file has the first of these. */
const callbacks: Readonly<Record<string, Record<string, Global>>> = Object.fromEntries(['pytorch_lightning', 'lightning.pytorch'].flatMap((package_) => [
  [`${package_}.callbacks`, { model_checkpoint: word }],
  [`${package_}.callbacks.model_checkpoint`, { ModelCheckpoint: word }],
  [`${package_}.callbacks.early_stopping`, { EarlyStopping: word }],
]));
const numpyArrays: Readonly<Record<string, Global>> = { scalar: drop, _reconstruct: { build: () => ({ kind: 'array', tensor: null }) } };
/** Arrays of protocol 5, whose bytes stand in the pickle as well. */
const numpyBuffers: Readonly<Record<string, Global>> = {
  _frombuffer: { build: ({ args: [bytes, type, shape, order], copy }) => { const tensor = arrayFrom(bytes, type, shape, order === 'F', copy); return tensor === undefined ? undefined : { kind: 'array', tensor }; } },
};

const tensorBuilders: Readonly<Record<string, Build>> = {
  _rebuild_tensor: rebuildTensor, _rebuild_tensor_v2: rebuildTensor, _rebuild_tensor_v3: rebuildTensorV3, _rebuild_parameter: firstTensor, _rebuild_parameter_with_state: firstTensor,
  // Of devices without storages: (array or tensor, dtype, device, requires_grad). bfloat16 comes as float32, which numpy has.
  _rebuild_device_tensor_from_numpy: arrayTensor, _rebuild_xla_tensor: arrayTensor, _rebuild_device_tensor_from_cpu_tensor: firstTensor,
};
const otherForms: Readonly<Record<string, Global>> = {
  _rebuild_meta_tensor_no_storage: { form: 'meta' }, _rebuild_sparse_tensor: { form: 'sparse' }, _rebuild_sparse_csr_tensor: { form: 'sparse' }, _rebuild_qtensor: { form: 'quantized' },
  _rebuild_nested_tensor: { form: 'nested' }, _rebuild_wrapper_subclass: { form: 'wrapped' },
};

const modules: Readonly<Record<string, Readonly<Record<string, Global>>>> = {
  torch: { ...storages, ...dtypes, UntypedStorage: storageOf(), Size: { build: ({ args: [sizes] }) => (Array.isArray(sizes) ? sizes : undefined) }, device: drop, Tensor: word },
  'torch.storage': { UntypedStorage: storageOf() },
  'torch._utils': { ...Object.fromEntries(Object.entries(tensorBuilders).map(([name, build]) => [name, { build }])), ...otherForms },
  'torch.serialization': { _get_layout: drop },
  'torch._tensor': {
    // (rebuild function, class, its arguments, attributes): a tensor that somebody put attributes on.
    _rebuild_from_type_v2: {
      build: ({ args: [rebuild, , args], ...call }) =>
        (isKind(rebuild, 'name') && Array.isArray(args) ? tensorBuilders[rebuild.path.replace('torch._utils.', '')]?.({ args, ...call }) : undefined),
    },
  },
  'torch.nn.parameter': { Parameter: word, Buffer: word },
  'torch.nn.modules.container': { ParameterDict: { build: () => new ParameterDict() } },
  collections: {
    OrderedDict: { build: dictionaryOf }, Counter: { build: dictionaryOf }, defaultdict: { build: ({ args }) => (args.length <= 1 ? new Map() : undefined) },
  },
  _codecs: { encode: { build: encode } },
  builtins, __builtin__: builtins,
  numpy: { dtype: { build: ({ args }) => typeFrom(args) }, ndarray: word }, 'numpy.dtypes': Object.fromEntries(typeClasses.map((name) => [name, { build: () => typeOfClass(name) }])),
  'numpy.core.multiarray': numpyArrays, 'numpy._core.multiarray': numpyArrays, 'numpy.core.numeric': numpyBuffers, 'numpy._core.numeric': numpyBuffers,
  ...callbacks,
};

const known = new Map(Object.entries(modules).flatMap(([module, names]) =>
  Object.entries(names).map(([name, global]) => [`${module} ${name}`, { name: { kind: 'name', path: `${module}.${name}` } satisfies Name, global }] as const)));
const meanings = new Map([...known.values()].map(({ name, global }) => [name, global]));

/** The word for a name of the list; undefined for any other. */
export const lookUp = (module: string, name: string): Name | undefined => known.get(`${module} ${name}`)?.name;

export const meaningOf = (name: Name): Global => meanings.get(name)!;

/** ('storage', class, key, location, count[, (view's key, offset, count)]), counts in elements: the persistent id of a tensor's storage. */
export function storageFrom(id: PickleValue): Storage | undefined {
  if (!Array.isArray(id) || id[0] !== 'storage') return undefined;
  const [, type, key, , count, view] = id;
  const meaning = isKind(type, 'name') ? meaningOf(type) : undefined;
  if (!meaning?.isStorage || typeof key !== 'string' || !isCount(count)) return undefined;
  const [, start, length] = Array.isArray(view) ? view : ['', 0, count];
  const dtype = meaning.dtype ?? null, size = dtype ? dtypeBytes[dtype] : 1;
  if (!isCount(start) || !isCount(length) || start + length > count || !Number.isSafeInteger(count * size)) return undefined;
  return { kind: 'storage', key, wholeBytes: count * size, dtype, start: start * size, byteLength: length * size };
}

/** (storage, offset, size, stride, …) */
function rebuildTensor({ args: [storage, offset, shape, strides], spend }: Call): StoredTensor | undefined {
  return isKind(storage, 'storage') && storage.dtype ? tensorOf(spend, storage, storage.dtype, offset, shape, strides) : undefined;
}

/** (storage, offset, size, stride, requires_grad, hooks, dtype, …): types that have no storage class of their own, such as fp8. */
function rebuildTensorV3({ args: [storage, offset, shape, strides, , , type], spend }: Call): StoredTensor | undefined {
  const dtype = isKind(type, 'name') ? meaningOf(type).dtype : undefined;
  return isKind(storage, 'storage') && dtype ? tensorOf(spend, storage, dtype, offset, shape, strides) : undefined;
}

/** torch's own limit of dimensions. */
const maxDims = 64;

function tensorOf(spend: Call['spend'], storage: Storage, dtype: StoredDType, offset?: PickleValue, shape?: PickleValue, strides?: PickleValue): StoredTensor | undefined {
  if (!isCount(offset) || !Array.isArray(shape) || !Array.isArray(strides) || shape.length !== strides.length || shape.length > maxDims) return undefined;
  if (!shape.every(isCount) || !strides.every(isCount)) return undefined;
  spend(2 * shape.length);
  return { kind: 'tensor', storage, dtype, offset, shape: [...shape], strides: [...strides] };   // copies: the file may go on to change its lists
}

function arrayTensor({ args: [array] }: Call): StoredTensor | undefined { return isKind(array, 'array') ? array.tensor ?? undefined : undefined; }

function firstTensor({ args: [tensor] }: Call): StoredTensor | undefined {
  return isKind(tensor, 'tensor') ? tensor : undefined;
}

function dictionaryOf({ args, spend }: Call): Map<PickleValue, PickleValue> | undefined {
  const [items = []] = args;
  if (args.length > 1 || !(items instanceof Map || Array.isArray(items))) return undefined;
  spend(items instanceof Map ? items.size : items.length);
  const pairs = items instanceof Map ? [...items] : items;
  return pairs.every((pair): pair is [PickleValue, PickleValue] => Array.isArray(pair) && pair.length === 2) ? new Map(pairs) : undefined;
}

function setOf({ args, spend }: Call): Set<PickleValue> | undefined {
  const [items = []] = args;
  if (args.length > 1 || !Array.isArray(items)) return undefined;
  spend(items.length);
  return new Set(items);
}

/** Protocol 2 writes bytes as text of characters 0–255. */
function encode({ args: [text, encoding], copy }: Call): Uint8Array | undefined {
  return typeof text === 'string' && (encoding === 'latin1' || encoding === 'latin-1') ? latin1(text, copy) : undefined;
}
