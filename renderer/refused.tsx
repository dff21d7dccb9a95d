// The studio does not know this browser: how to get in.
import type { ErrorInfo } from '../preload/contract/errors';

export function Refused({ error }: { error: ErrorInfo }) {
  return (
    <main role="alert" className="grid h-full place-items-center bg-stage p-6">
      <div className="flex max-w-md flex-col items-center gap-3 text-center">
        <img src="./mark.svg" alt="Atelier" width={40} height={40} />
        <h1 className="text-prompt font-semibold">{error.message}</h1>
        <p className="text-dim">{error.hint}</p>
      </div>
    </main>
  );
}
