// Bundles the window to out/renderer: static files that ask nothing of the network but their own origin.
import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('../renderer'),
  base: './',
  plugins: [react(), tailwindcss()],
  build: {
    outDir: here('../out/renderer'),
    emptyOutDir: true,
    // Electron's Chromium and current browsers: light-dark(), container units and `inert` as written.
    target: 'chrome125',
    cssTarget: 'chrome125',
    // The page's policy allows fonts and scripts as files of its own origin only, so nothing becomes a data: URL or an inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
});
