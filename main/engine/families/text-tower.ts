// A text encoder of CLIP's kind, whatever the layout of its weights: token ids → hidden states, and a pooled vector where it has a projection.
// Radford et al. 2021, arXiv:2103.00020.
import { Graph, type Value } from '../graph/graph';
import type { Hooks } from '../graph/hooks';
import { add, block, mul, reshape } from '../nn/layers';
import { Weights, type WeightSource } from '../nn/weights';
import type { TextSizes } from './sizes';

export interface TextTower extends Omit<TextSizes, 'projection'> {
  readonly source: WeightSource;
  /** Where the tower stands in the file, e.g. 'cond_stage_model.transformer.text_model'. */
  readonly prefix: string;
  readonly heads: number;
  /** Width of the pooled vector, or 0 where the model reads none. */
  readonly pooledWidth: number;
  /** Which state the model was trained on, counted from the last layer (1). A larger clip skip goes further back. */
  readonly clipSkip: number;
  /** Whether that state passes the final norm. */
  readonly normed: boolean;
  /** What stands behind the end of a text: its end token again (OpenAI's CLIP), or id 0 (OpenCLIP). */
  readonly fill: 'end' | 'zero';
  readonly parts: (w: Weights, tower: TextTower) => TowerParts;
}

/** The tower's pieces in one layout's names. Hidden states are [B, 77, width]. */
export interface TowerParts {
  /** Word vectors of the ids. */
  readonly tokens: (g: Graph, ids: Value) => Value;
  /** [77, width], added to them. */
  readonly positions: () => Value;
  readonly layer: (g: Graph, i: number, x: Value, bias: Value) => Value;
  readonly norm: (g: Graph, x: Value) => Value;
  /** [B, width] → [B, pooledWidth]. */
  readonly project: (g: Graph, x: Value) => Value;
}

export interface TowerRun {
  readonly batch: number;
  /** 1 or less: the state that the model was trained on. */
  readonly clipSkip?: number;
  /** Every state is an output of its own, without norm: `hidden.0` (embeddings) to `hidden.N`. */
  readonly raw?: boolean;
  /** Some word vectors come from outside (textual inversion). */
  readonly inserts?: boolean;
}

/**
 * Inputs: `ids` int64 [B, 77], and with a pooled output `ends` int64 [B]: of each row's first end token, its place in the B·77 tokens. With `inserts`
 * also `inserted` [B, 77, width] and `kept` [B, 77, 1]: a vector from outside with 0, or zeros with 1 where the token's own counts.
 * Outputs: `hidden` [B, 77, width], and `pooled` [B, pooledWidth] from the last layer, whatever the clip skip.
 */
export function buildTextTower(tower: TextTower, { batch, clipSkip = 1, raw = false, inserts = false }: TowerRun, hooks: Hooks = {}): Graph {
  const g = new Graph('text', hooks);
  const parts = tower.parts(new Weights(g, tower.source, tower.prefix), tower);
  const ids = g.input('ids', 'int64', [batch, tower.positions]);
  const bias = causalBias(g, tower.positions);
  const pooled = tower.pooledWidth > 0;
  const chosen = Math.max(1, tower.layers - (Math.max(clipSkip, tower.clipSkip) - 1));

  let h = parts.tokens(g, ids);
  if (inserts) h = add(g, mul(g, h, g.input('kept', 'float32', [batch, tower.positions, 1])), g.input('inserted', 'float32', [batch, tower.positions, tower.width]));
  h = add(g, h, parts.positions());
  if (raw) g.output('hidden.0', h);
  for (let i = 1; i <= (pooled || raw ? tower.layers : chosen); i++) {
    h = parts.layer(g, i - 1, h, bias);
    if (i === chosen) g.output('hidden', tower.normed ? parts.norm(g, h) : h);
    if (raw) g.output(`hidden.${i}`, h);
  }
  if (pooled) {
    const rows = reshape(g, parts.norm(g, h), [batch * tower.positions, tower.width]);
    g.output('pooled', parts.project(g, g.apply('Gather', [rows, g.input('ends', 'int64', [batch])])));
  }
  return g;
}

/** Ids as this tower was trained to see them. Rows of 77 that are filled up with the end token; the end has the highest id. */
export function fillRow(tower: TextTower, row: readonly number[]): number[] {
  const end = firstEnd(row);
  return tower.fill === 'end' ? [...row] : row.map((id, i) => (i <= end ? id : 0));
}

/** Where the text of a row ends: the first of the highest ids, as CLIP's own code looks for it. */
export const firstEnd = (row: readonly number[]): number => row.indexOf(Math.max(...row));

/** A layer's form in every layout: attention, then a two-layer perceptron, each with its norm inside and added to what came in. */
export function residual(g: Graph, w: Weights, x: Value, attend: (x: Value) => Value, mlp: (x: Value) => Value): Value {
  return block(g, w, () => {
    const h = add(g, x, attend(x));
    return add(g, h, mlp(h));
  });
}

/** Reads each of the tower's tensors, those that no picture needs too: the last layers of a model that was trained on an earlier state. */
export function readWholeTower(tower: TextTower): void {
  const g = new Graph('text');
  const parts = tower.parts(new Weights(g, tower.source, tower.prefix), tower);
  const bias = causalBias(g, tower.positions);
  let h = add(g, parts.tokens(g, g.input('ids', 'int64', [1, tower.positions])), parts.positions());
  for (let i = 0; i < tower.layers; i++) h = parts.layer(g, i, h, bias);
  const last = reshape(g, parts.norm(g, h), [tower.positions, tower.width]);
  if (tower.pooledWidth > 0) parts.project(g, last);
}

/** [1, 1, L, L]: a token sees itself and what stands before it. */
function causalBias(g: Graph, length: number): Value {
  const data = new Float32Array(length * length);
  for (let row = 0; row < length; row++) data.fill(-3.4e38, row * length + row + 1, (row + 1) * length);
  return g.constant('float32', [1, 1, length, length], data);
}
