// Seconds left of a running job, from its own steps.

/** Weight of the newest step in the moving average: steps differ little, but a first step may open the model's second half. */
const NEWEST = 0.3;

export interface Progress { readonly secondsPerStep: number; readonly secondsLeft: number }

/** Returns a function that takes each step as it ends. `decodeSeconds` is what is expected after the last one. */
export function trackProgress(decodeSeconds: number): (step: number, steps: number, seconds: number) => Progress {
  let mean: number | null = null;
  return (step, steps, seconds) => {
    mean = mean === null ? seconds : mean + NEWEST * (seconds - mean);
    return { secondsPerStep: mean, secondsLeft: mean * (steps - step) + decodeSeconds };
  };
}
