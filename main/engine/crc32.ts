// CRC-32 as in PNG and zip (ISO 3309): tells bytes that were damaged on the way from those that were written.

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** Of several pieces as if they were one. */
export function crc32(...pieces: readonly Uint8Array[]): number {
  let c = 0xffffffff;
  for (const bytes of pieces) for (let i = 0; i < bytes.length; i++) c = table[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
