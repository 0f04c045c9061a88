import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { resume } from './chat.ts';
import { log } from './debug.ts';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no place for the application');
resume().catch((error: unknown) => log('resume', error));
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
