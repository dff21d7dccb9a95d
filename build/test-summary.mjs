// What a test run comes to: a vitest reporter that counts and collects why tests were skipped, and the lines that build/test.mjs ends with.
import { writeFileSync } from 'node:fs';

/**
 * `faults` failed outside of any test: set-up of a suite, a file that does not load, an error that nobody caught.
 * @typedef {{ passed: number, failed: number, skipped: { name: string, reason: string | null }[], faults: string[] }} TestSummary
 */

/** A filter on the command line leaves tests out; that is not a skip. */
const isFiltered = process.argv.some((argument) => /^(-t|--testNamePattern)\b/.test(argument));

/** Writes a TestSummary to the file that ATELIER_TEST_SUMMARY names. */
export default class Summary {
  /** @type {import('vitest/reporters').Reporter['onTestRunEnd']} */
  onTestRunEnd = (modules, unhandledErrors) => {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const inState = (/** @type {string} */ state) => tests.filter((test) => test.result().state === state);
    const skipped = isFiltered ? [] : inState('skipped').map((test) => ({ name: test.fullName, reason: reasonOf(test) }));
    const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const faults = [...suites.flatMap((suite) => suite.errors()), ...unhandledErrors].map((error) => error.message ?? String(error));
    const summary = { passed: inState('passed').length, failed: inState('failed').length + inState('pending').length, skipped, faults };
    writeFileSync(process.env['ATELIER_TEST_SUMMARY'] ?? '', JSON.stringify(summary));
  };
}

/**
 * From `context.skip(reason)`, else what follows 'skipped: ' in the test's name or in that of a describe around it.
 * @returns {string | null} null where nobody says why
 */
function reasonOf(/** @type {import('vitest/node').TestCase} */ test) {
  const result = test.result();
  if (result.state === 'skipped' && result.note) return result.note;
  const named = /skipped: ([^)]*)/.exec(test.fullName)?.[1];
  return named ?? (failedAround(test) ? 'what it needs failed before it' : null);
}

function failedAround(/** @type {import('vitest/node').TestCase} */ test) {
  /** @type {(import('vitest/node').TestModule | import('vitest/node').TestSuite)[]} */
  const around = [test.module];
  for (let parent = test.parent; parent.type === 'suite'; parent = parent.parent) around.push(parent);
  return around.some((suite) => suite.errors().length > 0);
}

/**
 * The closing lines, the last of them `N passed, N failed`. Not ok: a failure, a skip that does not say why, no test at all.
 * @param {TestSummary | undefined} summary undefined when the run ended before it could report
 * @param {number} code vitest's exit code
 */
export function close({ passed, failed, skipped, faults } = { passed: 0, failed: 0, skipped: [], faults: ['vitest ended before it could report'] }, code) {
  const silent = skipped.filter(({ reason }) => reason === null);
  const problems = [...faults, ...silent.map(({ name }) => `${name} is skipped and does not say why`)];
  if (passed + failed + skipped.length + problems.length === 0) problems.push('no test was found');
  if (code !== 0 && failed + problems.length === 0) problems.push(`vitest ended with code ${code} though no test failed`);
  const failures = failed + problems.length;
  const lines = [
    ...skipped.filter(({ reason }) => reason !== null).map(({ name, reason }) => `Skipped: ${name}: ${reason}`),
    ...problems.map((problem) => `Failed outside of a test: ${problem}`),
    `${passed} passed, ${failures} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
  ];
  return { lines, ok: failures === 0 && passed > 0 };
}
