// Starts the window.
import '@fontsource-variable/inter';
import { QueryClientProvider } from '@tanstack/react-query';
import { Tooltip } from 'radix-ui';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { CrashBoundary } from './crash';
import { listenForFaults, tellFault } from './faults';
import { queryClient } from './queries';
import { enter } from './session';
import { applyRememberedTheme } from './settings/theme';
import './styles.css';

listenForFaults();
applyRememberedTheme();
await enter();

const tell = (error: unknown): void => {
  console.error(error);
  tellFault('render', error);
};

const root = document.getElementById('root');
if (root) {
  createRoot(root, { onUncaughtError: tell, onCaughtError: tell }).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <Tooltip.Provider delayDuration={500} skipDelayDuration={200}><CrashBoundary><App /></CrashBoundary></Tooltip.Provider>
      </QueryClientProvider>
    </StrictMode>,
  );
}
