// What people, and programs that mean harm, drop on a studio: pictures to upload, and files in its data folder.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { headerEnd, writeChunk } from '../../main/files/png-chunks';
import type { Random } from './random';

const rgb = { create: { width: 64, height: 64, channels: 3, background: '#456' } } as const;
const plain = await sharp(rgb).png().toBuffer();
const withChunks = (...chunks: Buffer[]): Buffer => Buffer.concat([plain.subarray(0, headerEnd), ...chunks, plain.subarray(headerEnd)]);
const text = (keyword: string, value: string): Buffer => writeChunk('tEXt', Buffer.from(`${keyword}\0${value}`, 'latin1'));
const folded = deflateSync(Buffer.alloc(4 << 20, 'a'), { level: 9 });

/** By what they are. */
export const hostilePictures: Readonly<Record<string, Buffer>> = {
  plain,
  unfolding: withChunks(...Array.from({ length: 120 }, (_, i) => writeChunk('zTXt', Buffer.concat([Buffer.from(`k${i}\0\0`), folded])))),
  tags: withChunks(text('parameters', `${'<lora:a:1>'.repeat(20_000)}\nSteps: 1, Size: 64x64, Seed: 1`)),
  models: withChunks(text('parameters', `x\nSteps: 1, Size: 64x64, Seed: 1, Model: ${'a b, c: '.repeat(40_000)}`)),
  newlines: withChunks(text('parameters', '\n'.repeat(500_000))),
  workflow: withChunks(text('prompt', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`)),
  huge: Buffer.concat([plain.subarray(0, 16), Buffer.from([0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]), plain.subarray(24)]),
  cut: plain.subarray(0, plain.length - 20),
  none: Buffer.from('dear diary '.repeat(1000)),
  progressive: await sharp({ create: { width: 5000, height: 5000, channels: 3, background: '#345' } }).jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
};

type Put = (name: string, bytes: Buffer | string) => void;

/** Large and strange files in all the places of a data folder that are looked at, by what they are. */
const droppings: Readonly<Record<string, (put: Put, dataDir: string, random: Random) => void>> = {
  'a table of many styles': (put) => put('styles.csv', `name,prompt,negative_prompt\n${Array.from({ length: 15_000 }, (_, i) => `style ${i},"${'word, '.repeat(30)}",ugly\n`).join('')}`),
  'wildcards of many megabytes': (put) => {
    put('wildcards/colour.yaml', `colour:\n${'  - a b\n'.repeat(120_000)}`);
    put('wildcards/all.txt', 'red\nblue\n'.repeat(2_000_000));
    put('wildcards/big.json', JSON.stringify({ big: Array.from({ length: 200_000 }, (_, i) => `value ${i} of many`) }));
    put('wildcards/deep.yaml', '['.repeat(50_000));
  },
  'a folder of many models': (put) => { for (let i = 0; i < 150; i++) put(`models/xl-${i}.safetensors`, manyTensors(2_600, i)); },
  'models of many tensors': (put) => { for (let i = 0; i < 3; i++) put(`models/long-${i}.safetensors`, manyTensors(200_000, i)); },
  'models of noise': (put, _, random) => { for (let i = 0; i < 40; i++) put(`models/noise-${i}.safetensors`, random.bytes(2_000)); },
  'hostile pickles': (put) => {
    put('models/evil.ckpt', 'cos\nsystem\n.');
    for (const [name, instruction] of [['marks', '('], ['lists', ']'], ['dictionaries', '}'], ['tuples', ')']] as const) put(`models/${name}.ckpt`, Buffer.concat([Buffer.from([0x80, 2]), Buffer.alloc(1_900_000, instruction), Buffer.from('.')]));
    put('models/text.ckpt', Buffer.concat([Buffer.from([0x80, 2, 0x58, 0, 0, 0, 4]), Buffer.alloc(64 << 20, 'x'), Buffer.from('.')]));
  },
  'pictures of others': (put) => {
    for (const megabytes of [40, 70, 150]) put(`pictures/dropped-large-${megabytes}.png`, Buffer.concat([plain.subarray(0, 8), Buffer.alloc(megabytes << 20)]));      // chunks of nothing
    put('pictures/dropped-unfolding.png', hostilePictures.unfolding!);
    for (let i = 0; i < 6; i++) put(`pictures/dropped-${i}.png`, withChunks(text('parameters', `${'word, '.repeat(8_000_000)}\nSteps: 1`)));
  },
  'large settings': (put) => put('settings.json', JSON.stringify({ modelFiles: Array.from({ length: 25_000 }, (_, i) => `/nowhere/${i}.safetensors`) })),
  'far too large settings': (put) => put('settings.json', JSON.stringify({ modelFiles: Array.from({ length: 400_000 }, (_, i) => `/nowhere/${i}.safetensors`) })),
  'pipes and sockets': (put, dataDir) => {
    try {
      for (const name of ['models/pipe.safetensors', 'models/embeddings/pipe.pt', 'pictures/dropped-pipe.png', 'wildcards/pipe.yaml']) {
        put(name, '');
        rmSync(join(dataDir, name));
        execFileSync('mkfifo', [join(dataDir, name)]);
      }
      createServer().listen(join(dataDir, 'models/socket.safetensors')).on('error', () => {}).unref();
    } catch { /* no pipes here */ }
  },
};
export const droppingNames: readonly string[] = Object.keys(droppings);

export function drop(name: string, dataDir: string, random: Random): void {
  const put: Put = (file, bytes) => {
    mkdirSync(dirname(join(dataDir, file)), { recursive: true });
    rmSync(join(dataDir, file), { force: true });      // a pipe that was dropped before would wait for a reader
    writeFileSync(join(dataDir, file), bytes);
  };
  droppings[name]!(put, dataDir, random);
}

/** A whole header of small tensors, and their weights of zeroes. */
function manyTensors(count: number, seed: number): Buffer {
  const entries = Array.from({ length: count }, (_, i) => [`model.diffusion_model.some.long.name.of.a.layer.${seed}.${i}.weight`, { dtype: 'F16', shape: [1], data_offsets: [2 * i, 2 * i + 2] }]);
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries))), length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(2 * count)]);
}
