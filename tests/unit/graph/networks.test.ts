// Every network that the families build is, in every dialect, a model that any runtime may open, with nothing in it for nothing.
import { expect, test } from 'vitest';
import { compileIn, dialects, networks } from '../../support/networks';
import { validateModel } from '../../support/onnx-check';

test.each(Object.entries(networks))('%s', (_, list) => {
  const found = list.flatMap(({ name, build }) => {
    const graph = build();
    return Object.entries(dialects).flatMap(([dialect, how]) => validateModel(compileIn(how, graph)).map(({ kind, message }) => `${name}, ${dialect}: ${kind}: ${message}`));
  });
  expect(found).toEqual([]);
});
