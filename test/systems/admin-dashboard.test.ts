import { system } from './admin-dashboard.ts';
import { testSystem } from './run.ts';

testSystem(system);
