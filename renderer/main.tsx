// Starts the window.
import '@fontsource-variable/inter';
import { QueryClientProvider } from '@tanstack/react-query';
import { Tooltip } from 'radix-ui';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { queryClient } from './queries';
import { applyRememberedTheme } from './settings/theme';
import './styles.css';

applyRememberedTheme();

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <Tooltip.Provider delayDuration={500} skipDelayDuration={200}><App /></Tooltip.Provider>
      </QueryClientProvider>
    </StrictMode>,
  );
}
