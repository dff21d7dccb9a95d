// How many connections there may be, by how many handles the process has.
import { expect, it } from 'vitest';
import { usualLimits } from '../../../main/server/limits';

it('most of a process\'s handles are left to its files, and of connections some to the owner', () => {
  for (const handles of [32, 140, 1024, 20_000, Infinity]) {
    const { connections, strangers, listeners } = usualLimits(handles);
    expect(connections).toBeLessThanOrEqual(handles / 4);
    expect(strangers + listeners).toBeLessThan(connections);
  }
});
