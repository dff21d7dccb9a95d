// What the engine needs of whoever runs its graphs. `main/worker` provides it with onnxruntime-node.
import type { Graph } from '../graph/graph';
import type { AnyTensor, Tensor } from '../tensor';

export interface Session {
  /** Feeds by input name, results by output name. Blocks its process while it runs. Throws memory.exhausted, worker.failed. */
  run(feeds: Readonly<Record<string, AnyTensor>>): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

export interface Runtime {
  /** Compiles the graph for the runtime's provider and opens it. Weights are mapped, not read. */
  open(graph: Graph): Promise<Session>;
}
