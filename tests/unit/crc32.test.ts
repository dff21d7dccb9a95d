import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32 } from '../../main/engine/crc32';

test('is that of zlib, for the whole in any pieces', () => {
  fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => { expect(crc32(a, b)).toBe(zlibCrc32(Buffer.concat([a, b]))); }));
});
