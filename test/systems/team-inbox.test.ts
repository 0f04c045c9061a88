import { testSystem } from './run.ts';
import { system } from './team-inbox.ts';

testSystem(system);
