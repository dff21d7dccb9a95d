// The browser for the flows: the one that is named, if it starts, and the Vulkan driver beside it.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ensureChromium, findVulkanDriver } from '../../../build/chromium.mjs';

const folder = mkdtempSync(join(tmpdir(), 'atelier-chromium-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, exitCode: number): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\nexit ${exitCode}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('CHROMIUM_PATH is taken when it starts', async () => {
  const path = program('chromium', 0);
  expect(await ensureChromium({ CHROMIUM_PATH: path })).toEqual({ path });
});

test('a CHROMIUM_PATH that does not start is named, and nothing is installed behind its back', async () => {
  for (const path of [program('broken', 1), join(folder, 'nowhere')]) {
    expect(await ensureChromium({ CHROMIUM_PATH: path })).toEqual({ missing: `CHROMIUM_PATH is ${path}, which does not start` });
  }
});

test('the software Vulkan driver is found beside the browser, or where ATELIER_VK_ICD says', () => {
  const manifest = join(folder, 'vk_swiftshader_icd.json');
  writeFileSync(manifest, '{}');
  expect(findVulkanDriver(program('chromium', 0), {})).toBe(manifest);
  expect(findVulkanDriver(undefined, { ATELIER_VK_ICD: manifest })).toBe(manifest);
});
