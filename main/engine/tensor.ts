// Dense tensors on the CPU, row-major.

export type Dims = readonly number[];
export interface TypedData { float32: Float32Array; float16: Uint16Array; int64: BigInt64Array; int32: Int32Array; uint8: Uint8Array }
export type DType = keyof TypedData;

export interface Tensor<T extends DType = 'float32'> {
  readonly dtype: T;
  readonly dims: Dims;
  readonly data: TypedData[T];
}
export type AnyTensor = { [T in DType]: Tensor<T> }[DType];

export const sizeOf = (dims: Dims): number => dims.reduce((a, b) => a * b, 1);

export const float32 = (dims: Dims, data: Float32Array = new Float32Array(sizeOf(dims))): Tensor => ({ dtype: 'float32', dims, data });
export const int64 = (dims: Dims, data: readonly number[] | BigInt64Array): Tensor<'int64'> => ({
  dtype: 'int64', dims, data: data instanceof BigInt64Array ? data : BigInt64Array.from(data, BigInt),
});
