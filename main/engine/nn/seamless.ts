// Pictures that go on at the other side: what a convolution finds beyond an edge is what lies at the opposite one.
import type { Hooks } from '../graph/hooks';
import type { Graph, Value } from '../graph/graph';
import { concat, slice } from './layers';

export type SeamlessAxes = 'x' | 'y' | 'both';

/** Instead of zeros. A picture of such networks can be laid beside itself without a seam. */
export const wrapAround = (axes: SeamlessAxes): Hooks => ({
  border: (g, { x, pads: [top, left, bottom, right] }) => {
    const down = axes === 'x' ? x : wrapped(g, x, 2, top, bottom), across = axes === 'y' ? down : wrapped(g, down, 3, left, right);
    return { x: across, pads: [axes === 'x' ? top : 0, axes === 'y' ? left : 0, axes === 'x' ? bottom : 0, axes === 'y' ? right : 0] };
  },
});

function wrapped(g: Graph, x: Value, axis: number, before: number, after: number): Value {
  const size = x.dims[axis]!;
  const parts = [...(before > 0 ? [slice(g, x, axis, size - before, size)] : []), x, ...(after > 0 ? [slice(g, x, axis, 0, after)] : [])];
  return parts.length === 1 ? x : concat(g, parts, axis);
}
