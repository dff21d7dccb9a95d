// The WebGPU dialect gives the CPU's results: the tiny U-Net, on the software Vulkan driver that comes with Chromium.
// In a process of its own, since the driver is chosen by the environment that a process starts with.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const driver = process.env['ATELIER_VK_ICD'];

it('agrees with the reference on every set of the tiny U-Net', (ctx) => {
  if (!driver) return ctx.skip('there is no software Vulkan driver (vk_swiftshader_icd.json) on this machine');
  const { stdout, stderr } = spawnSync(process.execPath, [join(root, 'out/main/cli.js'), 'golden', join(root, 'tests/golden/cases'), '--only', 'unet_sd15', '--provider', 'webgpu', '--json'], {
    encoding: 'utf8',
    env: { ...process.env, VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: [dirname(driver), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':') },
  });
  const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}');
  expect(report.cases?.map(({ check, status }: { check: string; status: string }) => `${check} ${status}`), stderr).toEqual(
    ['a.eps passed', 'b.eps passed', 'c.eps passed', 'd.eps passed']);
});
