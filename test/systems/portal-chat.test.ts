import { system } from './portal-chat.ts';
import { testSystem } from './run.ts';

testSystem(system);
