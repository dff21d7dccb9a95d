// The links of a drawn graph, of either way to write them: lists, or objects.
import { asList, asNumber, asObject, asText } from '../../fields';
import type { JsonObject } from '../../json';

export interface WrittenLink {
  readonly id: string;
  readonly from: string;
  readonly slot: number;
  readonly to: string;
  readonly toSlot: number;
  readonly type: string;
}

export const linksOf = (graph: JsonObject): WrittenLink[] => (asList(graph.links) ?? []).map((link) => {
  const [id, from, slot, to, toSlot, type] =
    asList(link) ??
    (({ id, origin_id, origin_slot, target_id, target_slot, type }: JsonObject) => [id, origin_id, origin_slot, target_id, target_slot, type])(
      asObject(link) ?? {},
    );
  return { id: String(id), from: String(from), slot: asNumber(slot) ?? 0, to: String(to), toSlot: asNumber(toSlot) ?? 0, type: asText(type) ?? '*' };
});
