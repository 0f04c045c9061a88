import { testSystem } from './run.ts';
import { system } from './support-desk.ts';

testSystem(system);
