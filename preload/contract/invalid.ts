// What the schemas find wrong with a request, as one of our errors: the first field, and the rule that it breaks.
import type { z } from 'zod';
import type { ErrorData, ErrorInfo } from './errors';

type Broken = ErrorData['request.invalid'];
type Rule = Broken extends infer B ? B extends { field: string } ? Omit<B, 'field'> : never : never;

/** `whole`: what the request is called where no field is at fault. */
export function invalidRequest({ issues: [issue] }: Pick<z.ZodError, 'issues'>, whole = 'request'): ErrorInfo {
  const field = issue?.path.join('.') || whole;
  return { code: 'request.invalid', data: { field, ...(issue ? ruleOf(issue) : { why: 'format' }) } as Broken };
}

function ruleOf(issue: z.core.$ZodIssue): Rule {
  switch (issue.code) {
    case 'invalid_type': return issue.message.endsWith('received undefined') ? { why: 'missing' } : { why: 'type', want: issue.expected };
    case 'too_small': return { why: countsLength(issue.origin) ? 'short' : 'low', want: Number(issue.minimum) };
    case 'too_big': return { why: countsLength(issue.origin) ? 'long' : 'high', want: Number(issue.maximum) };
    case 'not_multiple_of': return { why: 'step', want: issue.divisor };
    case 'invalid_value': return issue.path.at(-1) === 'version' ? { why: 'version', known: Number(issue.values[0]) } : { why: 'choice', names: issue.values.map(String) };
    case 'unrecognized_keys': return { why: 'unknown', names: issue.keys };
    case 'custom': return (issue.params?.['rule'] as Rule | undefined) ?? { why: 'format' };
    // Of several forms, the one that the value was meant in.
    case 'invalid_union': {
      const [inner] = issue.errors.find(([first]) => first && first.code !== 'invalid_type') ?? issue.errors[0] ?? [];
      return inner ? ruleOf(inner) : { why: 'format' };
    }
    default: return { why: 'format' };
  }
}

const countsLength = (origin: string): boolean => origin === 'string' || origin === 'array' || origin === 'file';

/** For a schema's own rules: `refine(…, breaks('missing', 'init'))` says that `init` is missing. */
export const breaks = (why: 'missing' | 'pair' | 'text' | 'seed' | 'path', field: string): { path: string[]; params: { rule: Rule } } => ({ path: field === '' ? [] : field.split('.'), params: { rule: { why } } });

/** The same of two fields that exclude each other, and of a number that is too large for the rest of the request. */
export const excludes = (field: string, other: string) => ({ path: field.split('.'), params: { rule: { why: 'apart', other } satisfies Rule } });
export const exceeds = (field: string, want: number) => ({ path: field.split('.'), params: { rule: { why: 'high', want } satisfies Rule } });
