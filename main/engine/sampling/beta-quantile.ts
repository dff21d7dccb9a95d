// The quantile function of the Beta distribution, for the "beta" schedules (Lee et al. 2024, arXiv:2407.12173).

/** x with P(X ≤ x) = p for X ~ Beta(a, b). By bisection: schedules ask for a few dozen values. */
export function betaQuantile(p: number, a: number, b: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  // Exactly, since schedules round what follows from it, and here it would fall between two integers.
  if (a === b && p === 0.5) return 0.5;
  let low = 0;
  let high = 1;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (regularizedBeta(middle, a, b) < p) low = middle; else high = middle;
  }
  return (low + high) / 2;
}

/** I_x(a, b): the continued fraction DLMF 8.17.22, on the side of x where it converges quickly. */
function regularizedBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - regularizedBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x)) / a;
  return front / fraction(x, a, b);
}

/** 1 + d₁/(1 + d₂/(1 + …)), evaluated from the far end; 200 terms are more than double precision needs here. */
function fraction(x: number, a: number, b: number): number {
  let value = 1;
  for (let n = 200; n >= 1; n--) {
    const m = n >> 1;
    const d = n % 2 === 0
      ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
      : -((a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    value = 1 + d / value;
  }
  return value;
}

/** ln Γ(z) for z > 0: Stirling's series after moving z above 10. */
function logGamma(z: number): number {
  let shift = 0;
  let y = z;
  for (; y < 10; y++) shift += Math.log(y);
  const inverse = 1 / y;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
