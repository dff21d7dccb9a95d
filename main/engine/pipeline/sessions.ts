// The sessions that a network's owner keeps open: one a slot, where another size takes the place of the last.
import type { Graph } from '../graph/graph';
import type { AnyTensor, Tensor } from '../tensor';
import type { Runtime, Session } from './runtime';

/** Opening costs 0.1 s; two mappings of one file cost address space and counted memory. */
export class Sessions<Slot extends string> {
  private readonly runtime: Runtime;
  private readonly open = new Map<Slot, { key: string; session: Session }>();

  constructor(runtime: Runtime) {
    this.runtime = runtime;
  }

  /** The session in `slot`, opened anew where its `key` is another. */
  async take(slot: Slot, key: string, build: () => Graph): Promise<Session> {
    const known = this.open.get(slot);
    if (known?.key === key) return known.session;
    await this.release(slot);
    const session = await this.runtime.open(build());
    this.open.set(slot, { key, session });
    return session;
  }

  /** One run of a network that will rarely be needed again soon. */
  async once(graph: Graph, feeds: Readonly<Record<string, AnyTensor>>): Promise<Record<string, Tensor>> {
    const session = await this.runtime.open(graph);
    try {
      return await session.run(feeds);
    } finally {
      await session.close();
    }
  }

  async release(slot: Slot): Promise<void> {
    const known = this.open.get(slot);
    this.open.delete(slot);
    await known?.session.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.open.keys()].map((slot) => this.release(slot)));
  }
}
