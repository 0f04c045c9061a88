import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { followOtherTabs } from '../session.ts';
import { Shop } from './shop.tsx';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no place for the widget');
followOtherTabs();
createRoot(root).render(
  <StrictMode>
    <Shop />
  </StrictMode>,
);
