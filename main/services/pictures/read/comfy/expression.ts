// Sums that people write into nodes, in Python's words: numbers, names, + - * / // % ** comparisons, `and`, `or`, `not`, and a few functions.

/** By which an expression's names are known. */
export type Names = (name: string) => number | undefined;

const MOST_LENGTH = 2000, MOST_DEPTH = 60;
const tokens = /\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|([A-Za-z_][\w.]*)|(\*\*|\/\/|[<>=!]=|&&|\|\||[-+*/%()<>,^]))/giy;

/** undefined where it is no such sum, a name is not known, or the result is no number. Never throws. */
export function evaluateExpression(source: string, names: Names): number | undefined {
  if (source.length > MOST_LENGTH) return undefined;
  const parser = new Parser(tokensOf(source.replace(/[\r\n]+/g, ' ').trim()), names), value = parser.all();
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

function tokensOf(source: string): string[] {
  const found: string[] = [];
  tokens.lastIndex = 0;
  while (tokens.lastIndex < source.length) {
    const match = tokens.exec(source);
    if (!match) return ['']; // no token is empty: this one fits nowhere
    found.push((match[1] ?? match[2] ?? match[3])!);
  }
  return found;
}

const levels: readonly Readonly<Record<string, (a: number, b: number) => number>>[] = [
  { or: (a, b) => a || b, '||': (a, b) => a || b },
  { and: (a, b) => a && b, '&&': (a, b) => a && b },
  {
    '==': (a, b) => Number(a === b),
    '!=': (a, b) => Number(a !== b),
    '<': (a, b) => Number(a < b),
    '<=': (a, b) => Number(a <= b),
    '>': (a, b) => Number(a > b),
    '>=': (a, b) => Number(a >= b),
  },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  { '*': (a, b) => a * b, '/': (a, b) => a / b, '//': (a, b) => Math.floor(a / b), '%': (a, b) => a - b * Math.floor(a / b) },
];

/** Python rounds halves to the even one. */
export const roundHalfEven = (value: number, digits = 0): number => {
  const scaled = value * 10 ** digits, floor = Math.floor(scaled), rest = scaled - floor;
  return (rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor) / 10 ** digits;
};

const functions: Readonly<Record<string, (...args: number[]) => number | undefined>> = {
  round: (a = NaN, digits = 0) => roundHalfEven(a, digits),
  ceil: (a = NaN) => Math.ceil(a),
  floor: (a = NaN) => Math.floor(a),
  int: (a = NaN) => Math.trunc(a),
  float: (a = NaN) => a,
  abs: (a = NaN) => Math.abs(a),
  sqrt: (a = NaN) => Math.sqrt(a),
  min: (...all) => Math.min(...all),
  max: (...all) => Math.max(...all),
  pow: (a = NaN, b = NaN) => a ** b,
  iif: (a = NaN, b = NaN, c = NaN) => (a ? b : c),
  sum: (...all) => all.reduce((a, b) => a + b, 0),
};

/** What follows the grammar gives undefined nowhere; a wrong token, a name that is not known, or too deep nesting do. */
class Parser {
  private readonly tokens: readonly string[];
  private readonly names: Names;
  private at = 0;
  private depth = 0;

  constructor(list: readonly string[], names: Names) {
    this.tokens = list;
    this.names = names;
  }

  all(): number | undefined {
    const value = this.level(0);
    return this.at === this.tokens.length ? value : undefined;
  }

  private take(...expected: string[]): string | undefined {
    const token = this.tokens[this.at];
    if (token === undefined || !expected.includes(token)) return undefined;
    this.at++;
    return token;
  }

  private level(index: number): number | undefined {
    const operators = levels[index];
    if (!operators) return this.power();
    if (index === 2 && this.take('not')) {
      const value = this.level(2);
      return value === undefined ? undefined : Number(!value);
    }
    let left = this.level(index + 1);
    for (let operator = this.take(...Object.keys(operators)); operator !== undefined && left !== undefined; operator = this.take(...Object.keys(operators))) {
      const right = this.level(index + 1);
      left = right === undefined ? undefined : operators[operator]!(left, right);
    }
    return left;
  }

  /** Binds closer than a sign before it, and from the right. */
  private power(): number | undefined {
    if (++this.depth > MOST_DEPTH) return undefined;
    const sign = this.take('-', '+');
    let value = sign === undefined ? this.atom() : this.power();
    if (sign === '-' && value !== undefined) value = -value;
    if (sign === undefined && value !== undefined && this.take('**')) {
      const exponent = this.power();
      value = exponent === undefined ? undefined : value ** exponent;
    }
    this.depth--;
    return value;
  }

  private atom(): number | undefined {
    if (this.take('(')) {
      const value = this.level(0);
      return this.take(')') ? value : undefined;
    }
    const token = this.tokens[this.at++];
    if (token === undefined || token === '') return undefined;
    if (/^[\d.]/.test(token)) return Number(token);
    if (!/^[a-z_]/i.test(token)) return undefined;
    return this.take('(') ? this.call(token) : token === 'True' ? 1 : token === 'False' ? 0 : token === 'pi' ? Math.PI : this.names(token);
  }

  private call(name: string): number | undefined {
    const args: number[] = [];
    while (!this.take(')')) {
      const value = this.level(0);
      if (value === undefined || (!this.take(',') && this.tokens[this.at] !== ')')) return undefined;
      args.push(value);
    }
    return Object.hasOwn(functions, name) ? functions[name]!(...args) : undefined;
  }
}
