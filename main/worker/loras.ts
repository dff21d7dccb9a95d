// The LoRAs of a job, opened. What was read ahead of the last ones is kept: a new strength, or another beside it, reads nothing again.
import { openLora, type Lora } from '../engine/adapters/lora';
import { numbersOf } from '../engine/weights/values';
import { versionOf } from '../files/stamp';
import { openWeightFile, withFile } from '../files/weight-file';

const kept = new Map<string, Lora>();
const KEPT = 16;

/** Throws file.*, weights.*, lora.broken. */
export async function openLoras(paths: readonly string[]): Promise<Lora[]> {
  const loras: Lora[] = [];
  for (const path of paths) loras.push(await openOne(path));
  return loras;
}

async function openOne(path: string): Promise<Lora> {
  const version = await versionOf(path), known = kept.get(path);
  const lora = known?.version === version ? known : await withFile(path, async ({ read }) => openLora(await openWeightFile(path), version, (entry) => numbersOf(entry, read)));
  kept.delete(path);
  kept.set(path, lora);                                          // a Map keeps its order: the first is the longest unused
  if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
  return lora;
}
