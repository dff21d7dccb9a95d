// What somebody asks for is kept as it was typed, or refused by its name: half of a surrogate pair becomes U+FFFD in UTF-8, and NUL ends a text of SQLite's.
import { describe, expect, it } from 'vitest';
import { invalidRequest } from '../../../preload/contract/invalid';
import { JobRequest } from '../../../preload/contract/job';

const request = { files: { model: 'm' }, prompt: 'a cat', steps: 4, sampler: 'euler', schedule: 'karras', cfg: 7, width: 64, height: 64 };
const refusalOf = (patch: object) => invalidRequest(JobRequest.safeParse({ ...request, ...patch }).error!);

describe.each(['prompt', 'negative'])('%s', (field) => {
  it.each(['a\ud800b', '\udc00', 'a\0b', '🐈\ude00', 'x\ud83d'])('%j is refused', (text) => {
    expect(refusalOf({ [field]: text })).toEqual({ code: 'request.invalid', data: { field, why: 'text' } });
  });
  it.each(['', '🐈 猫', 'a\nb\t\u200d', '\u0301', '\ufffd', '\uffff'])('%j is kept', (text) => {
    expect(JobRequest.parse({ ...request, [field]: text })).toMatchObject({ [field]: text });
  });
});
