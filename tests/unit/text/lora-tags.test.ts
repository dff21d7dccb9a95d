// Tags that call up LoRAs, as A1111's extra networks read them.
import { expect, test } from 'vitest';
import { loraTags } from '../../../main/engine/text/lora-tags';
import { withoutLoraTags } from '../../../main/engine/text/prompt-syntax';

test.each([
  ['<lora:a>', [{ name: 'a', unet: 1, text: 1 }]], ['<lora:a:0.5>', [{ name: 'a', unet: 0.5, text: 0.5 }]], ['<lora:a:0.5:0.9>', [{ name: 'a', unet: 0.9, text: 0.5 }]],
  ['<lora:a:unet=0.3:te=0.2>', [{ name: 'a', unet: 0.3, text: 0.2 }]], ['<lora:a:te=0.2>', [{ name: 'a', unet: 0.2, text: 0.2 }]], ['<lora:a:1:0.5:4>', [{ name: 'a', unet: 0.5, text: 1, ranks: 4 }]],
  ['<lora:a:0.8:dyn=16>', [{ name: 'a', unet: 0.8, text: 0.8, ranks: 16 }]], ['x <lyco:b:-1> y<lora:a:0>', [{ name: 'b', unet: -1, text: -1 }, { name: 'a', unet: 0, text: 0 }]],
  ['<lora:>', []], ['<lora: :1>', []], ['\\<lora:a:1>', []], ['<hypernet:a:1>', []], ['<lora:sub/a b:x>', [{ name: 'sub/a b', unet: 1, text: 1 }]],
])('%s', (prompt, tags) => expect(loraTags(prompt)).toEqual(tags));

test('a prompt without its LoRAs keeps the rest', () => expect(withoutLoraTags('a <lora:x:1>cat <hypernet:y> \\<lora:z:1>')).toBe('a cat <hypernet:y> \\<lora:z:1>'));

test('weights by block, a preset or a list of 12, 17, 20 or 26, by name or in place of a number; blocks that are left out are 0', () => {
  const blocksOf = (tag: string) => loraTags(`<lora:a:${tag}>`)[0]!;
  expect(blocksOf('1:lbw=INS').blocks).toMatchObject({ BASE: 1, IN00: 0, IN01: 1, IN02: 1, IN03: 0, IN04: 1, IN05: 0, M00: 0, OUT03: 0, OUT11: 0 });
  expect(blocksOf('0.5:OUTALL')).toMatchObject({ text: 0.5, unet: 0.5, blocks: { BASE: 1, IN08: 0, M00: 0, OUT02: 0, OUT03: 1, OUT11: 1 } });
  expect(blocksOf(`1:lbw=${Array.from({ length: 26 }, (_, i) => i / 10).join(',')}`).blocks).toMatchObject({ BASE: 0, IN00: 0.1, IN11: 1.2, M00: 1.3, OUT00: 1.4, OUT11: 2.5 });
  expect(blocksOf(`1:lbw=${Array.from({ length: 12 }, (_, i) => i).join(',')}`).blocks).toMatchObject({ BASE: 0, IN04: 1, IN08: 4, M00: 5, OUT00: 6, OUT05: 11, IN01: 0, OUT06: 0 });
  expect(blocksOf('1:lbw=R,1')).toEqual({ name: 'a', unet: 1, text: 1, unread: 'lbw=R,1' });
});
test('steps are shares of all of them', () => {
  expect(loraTags('<lora:a:1:start=5><lora:b:1:stop=10><lora:c:1:step=5-15>', 20)).toEqual([{ name: 'a', unet: 1, text: 1, start: 0.25 }, { name: 'b', unet: 1, text: 1, end: 0.5 }, { name: 'c', unet: 1, text: 1, start: 0.25, end: 0.75 }]);
});
