import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { resume } from './portal.ts';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no place for the application');
resume();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
