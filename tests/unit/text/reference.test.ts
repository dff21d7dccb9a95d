// The golden cases of the tokenizer and of the prompt language, as the reference programs read them.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { prompt } from '../../../main/cli/golden/prompt';
import { tokenizer } from '../../../main/cli/golden/tokenizer';

it.each([['tokenizer', tokenizer], ['prompt', prompt]] as const)('%s equals the reference', async (name, checker) => {
  const path = fileURLToPath(new URL(`../../golden/cases/${name}`, import.meta.url));
  const config = JSON.parse(readFileSync(`${path}/case.json`, 'utf8')) as Record<string, unknown>;
  const checks = [];
  for await (const check of checker({ name, path, config })) checks.push(check);
  expect(checks.length).toBeGreaterThan(5);
  expect(checks.filter(({ status }) => status !== 'passed')).toEqual([]);
});
