// Lint: typescript-eslint's strict rules, promises that nobody waits for, React's hooks. The layers' arrows are .dependency-cruiser.cjs's.
import eslint from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  globalIgnores(['out/', 'node_modules/', '.cache/', 'tests/.artifacts/']),
  eslint.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strict],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A promise that nobody waits for loses its error, and ours carry what to do next.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      // Numeric code indexes inside of bounds that it has just checked; the compiler cannot see that.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Signals and handlers that are there to do nothing say so by being empty.
      '@typescript-eslint/no-empty-function': 'off',
      // `type: []` and `{}` in event maps and generics are the way to say "none".
      '@typescript-eslint/no-empty-object-type': 'off',
      // Values of a foreign language that carry nothing but their kind.
      '@typescript-eslint/no-extraneous-class': ['error', { allowEmpty: true }],
      // `void` in unions is how event maps and procedures without a result read.
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      'no-control-regex': 'off',      // prompts, file names and terminal output have control characters to look for
    },
  },
  {
    files: ['renderer/**/*.{ts,tsx}'],
    extends: [reactHooks.configs.flat.recommended],
    // Tells the React compiler what it must not memoize; it does not run here.
    rules: { 'react-hooks/incompatible-library': 'off' },
  },
  {
    files: ['**/*.{mjs,cjs,js}'],
    languageOptions: { globals: Object.fromEntries(['process', 'performance', 'fetch', 'AbortSignal', 'URL', 'Buffer', 'NodeJS', 'module', 'setTimeout', 'clearTimeout', 'console'].map((name) => [name, 'readonly'])) },
    rules: { 'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }], 'no-empty-pattern': 'error' },
  },
  {
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'prefer-const': ['error', { destructuring: 'all' }],
      'no-console': ['error', { allow: ['error'] }],
    },
  },
  { files: ['tests/**'], rules: { 'no-console': 'off', '@typescript-eslint/no-explicit-any': 'off' } },
  { files: ['build/**'], rules: { 'no-console': 'off' } },
);
